import { z } from "zod";
import { CONTRACT_VERSION } from "./effective-contract.core";

export const TenantRef = z.object({ name: z.string().min(1).max(63) });
export const MachineRef = z.object({ instanceId: z.string().min(1).max(255) });

const McpServer = z.object({ id: z.string(), name: z.string(), transport: z.enum(["streamable-http", "sse", "websocket"]), endpoint: z.string() }).meta({ id: "ContractMcpServer" });
const Skill = z.object({ id: z.string(), name: z.string(), scope: z.enum(["org", "department", "project", "personal"]), version: z.string(), digest: z.string() }).meta({ id: "ContractSkill" });

export const EffectiveContractView = z
  .object({
    contractVersion: z.literal(CONTRACT_VERSION),
    contractId: z.string().regex(/^[0-9a-f]{64}$/).meta({ description: "SHA-256 of the contract without this field, as JSON with sorted keys" }),
    tenant: z.object({ name: z.string(), team: z.string().nullable(), policyRef: z.null() }),
    awareness: z.object({
      citationFormat: z.literal("inline"),
      memberships: z.object({ org: z.array(z.literal("default")), team: z.array(z.string()), project: z.array(z.string()), personal: z.array(z.string()) }),
      grants: z.array(z.object({ payloadId: z.string(), access: z.enum(["allow", "deny"]) })),
    }),
    mcp: z.object({ gateway: z.string(), servers: z.array(McpServer) }),
    skills: z.object({ registry: z.string(), entitled: z.array(Skill) }),
  })
  .meta({ id: "EffectiveContract" });

const names = z.array(z.string());

export const RuntimeContractView = z
  .object({
    version: z.literal("opencrane-runtime/v1alpha1"),
    contractVersion: z.literal("2.1.0"),
    platform: z.literal("opencrane"),
    mode: z.literal("managed"),
    tenant: z.object({ name: z.string(), team: z.string().nullable() }),
    policy: z.object({ mcpServers: z.object({ allow: names, deny: names }) }),
    skills: z.object({ entitled: names.meta({ description: "Ids of skills" }) }),
    capabilities: z.object({ mcpPolicyEnforced: z.boolean() }),
    workspace: z.object({ "TOOLS.md": z.string() }),
    managedDocs: z.array(z.object({ file: z.string(), content: z.string(), version: z.int() })),
    awareness: z.object({ contractVersion: z.string(), shadow: z.boolean(), wave: z.string() }),
    suspended: z.boolean(),
    effective: EffectiveContractView,
  })
  .meta({ id: "RuntimeContract" });

export const MachineContractView = z
  .object({
    tenant: z.string(),
    contractId: z.string(),
    revision: z.int(),
    suspended: z.boolean(),
    released: z.boolean(),
    jws: z.string().meta({ description: "Compact JWS (ES256, `typ` `sett-contract+jwt`, `aud` `sett-machine`), checked with /.well-known/jwks.json" }),
  })
  .meta({ id: "MachineContract" });
