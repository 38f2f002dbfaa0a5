/** What a tenant's agents may know and use, compiled from what everybody decided. Pure and deterministic. */

/** Of the published schema; not a revision. */
export const CONTRACT_VERSION = "4.0.0" as const;

export interface McpServerFacts {
  readonly id: string;
  readonly name: string;
  readonly transport: "streamable-http" | "sse" | "websocket";
  readonly endpoint: string;
}

export interface SkillFacts {
  readonly id: string;
  readonly name: string;
  readonly scope: "org" | "department" | "project" | "personal";
  readonly version: string;
  readonly digest: string;
}

/** Everything that a contract is made of, in any order. */
export interface ContractInputs {
  readonly tenant: { readonly name: string; readonly team: string | null };
  readonly memberships: { readonly org: readonly string[]; readonly team: readonly string[]; readonly project: readonly string[]; readonly personal: readonly string[] };
  readonly awareness: readonly { readonly payloadId: string; readonly access: "allow" | "deny" }[];
  readonly mcpServers: readonly McpServerFacts[];
  readonly skills: readonly SkillFacts[];
  /** Where MCP servers are reached, and where skills are fetched. */
  readonly gatewayUrl: string;
  readonly registryUrl: string;
}

const byText = <T>(key: (item: T) => string) => (a: T, b: T): number => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
/** A name alone may occur twice; the id settles it. */
const byName = byText<{ readonly id: string; readonly name: string }>(({ id, name }) => `${name}\u0000${id}`);
const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort(byText((name) => name));

/** The contract without its id. */
export function compileContract({ tenant, memberships, awareness, mcpServers, skills, gatewayUrl, registryUrl }: ContractInputs) {
  return {
    contractVersion: CONTRACT_VERSION,
    tenant: { name: tenant.name, team: tenant.team, policyRef: null },
    awareness: {
      citationFormat: "inline" as const,
      memberships: { org: ["default" as const], team: sorted(memberships.team), project: sorted(memberships.project), personal: sorted(memberships.personal) },
      grants: awareness.map(({ payloadId, access }) => ({ payloadId, access })).sort(byText(({ payloadId }) => payloadId)),
    },
    mcp: { gateway: gatewayUrl, servers: mcpServers.map(({ id, name, transport, endpoint }) => ({ id, name, transport, endpoint })).sort(byName) },
    skills: { registry: registryUrl, entitled: skills.map(({ id, name, scope, version, digest }) => ({ id, name, scope, version, digest })).sort(byName) },
  };
}

export type EffectiveContract = ReturnType<typeof compileContract>;

/** JSON with the keys of every object in order, arrays as they are: equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (inner !== null && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(byText(([key]) => key))) : inner));
}
