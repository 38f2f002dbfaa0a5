import type { Family } from "../kernel/family";
import type { FeatureEntry } from "../kernel/operation";
import { createGovernanceServices } from "./services";
import { governanceTags } from "./tags";
import { governanceWire } from "./wire";
import { governanceCrons, governanceEffects, governanceJobs, governancePromptEffects } from "./work";

/** Which feature serves which paths. Each loads on the first request that needs it. */
const governanceFeatures: readonly FeatureEntry[] = [
  { name: "auth", prefixes: ["/api/v1/auth/me", "/api/v1/auth/login", "/api/v1/auth/callback", "/api/v1/auth/logout"], load: () => import("./auth/auth.operations") },
  { name: "device-grants", prefixes: ["/api/v1/auth/device"], load: () => import("./device-grants/device-grants.operations") },
  { name: "tenant-sessions", prefixes: ["/api/v1/auth/pod-token"], load: () => import("./tenant-sessions/tenant-sessions.operations") },
  { name: "access-tokens", prefixes: ["/api/v1/access-tokens"], load: () => import("./access-tokens/access-tokens.operations") },
  {
    // Paths of three features begin with a tenant's name.
    name: "tenants",
    prefixes: ["/api/v1/tenants"],
    load: async () => {
      const features = await Promise.all([import("./tenants/tenants.operations"), import("./contracts/tenant-contracts.operations"), import("./tenant-machines/tenant-machines.operations")]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "contracts", prefixes: ["/api/v1/contract", "/api/v1/machine-contracts"], load: () => import("./contracts/contracts.operations") },
  { name: "metrics", prefixes: ["/api/v1/metrics"], load: () => import("./metrics/metrics.operations") },
  {
    // Paths of two features begin with a tenant's name.
    name: "ai-budget",
    prefixes: ["/api/v1/ai-budget"],
    load: async () => {
      const features = await Promise.all([import("./budgets/budgets.operations"), import("./model-keys/model-keys.operations")]);
      return { operations: features.flatMap(({ operations }) => operations) };
    },
  },
  { name: "provider-keys", prefixes: ["/api/v1/providers/keys"], load: () => import("./provider-keys/provider-keys.operations") },
  { name: "token-usage", prefixes: ["/api/v1/token-usage"], load: () => import("./token-usage/token-usage.operations") },
  { name: "policies", prefixes: ["/api/v1/policies"], load: () => import("./policies/policies.operations") },
  { name: "awareness", prefixes: ["/api/v1/awareness"], load: () => import("./awareness/awareness.operations") },
  { name: "audit", prefixes: ["/api/v1/audit"], load: () => import("./audit/audit.operations") },
  { name: "cluster-tenants", prefixes: ["/api/v1/cluster-tenants"], load: () => import("./cluster-tenants/cluster-tenants.operations") },
  { name: "platform-dns", prefixes: ["/api/v1/platform/dns"], load: () => import("./platform-dns/platform-dns.operations") },
  { name: "skill-bundles", prefixes: ["/api/v1/skills", "/api/v1/bundles"], load: () => import("./skill-bundles/skill-bundles.operations") },
  { name: "sources", prefixes: ["/api/v1/third-party-sources"], load: () => import("./sources/sources.operations") },
  { name: "groups", prefixes: ["/api/v1/groups"], load: () => import("./groups/groups.operations") },
  { name: "mcp-servers", prefixes: ["/api/v1/mcp-servers"], load: () => import("./mcp-servers/mcp-servers.operations") },
  { name: "mcp-broker", prefixes: ["/api/v1/mcp"], load: () => import("./mcp-broker/mcp-broker.operations") },
  { name: "secrets", prefixes: ["/api/v1/secrets"], load: () => import("./secrets/secrets.operations") },
  { name: "session-scopes", prefixes: ["/api/v1/sessions"], load: () => import("./session-scopes/session-scopes.operations") },
];

/** What each team's agents may do, know and spend. */
export const governance: Family = {
  name: "governance",
  title: "Sett governance API",
  features: governanceFeatures,
  documentPath: "/api/v1/openapi.json",
  documentTag: "Meta",
  tags: governanceTags,
  wire: governanceWire,
  authenticate: async (...asked) => (await import("./authenticate")).authenticate(...asked),
  services: createGovernanceServices,
  jobs: governanceJobs,
  effects: governanceEffects,
  promptEffects: governancePromptEffects,
  sealedColumns: async () => (await import("./sealed.store")).sealedColumns,
  crons: governanceCrons,
};
