import type { Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { readRollout, resolveVersion } from "../awareness";
import { governanceConfig } from "../config";
import { compileGrants, type Decision } from "../grants";
import { advisoryOf, readPolicies, resolvePolicy } from "../policies";
import { hasServers, hasSkills, listOwnedBotIds, listServerFacts, listSkillFacts, type ContractTenant } from "./contracts.store";
import { isOnAllowlist } from "../skill-allowlist.core";
import { canonicalJson, compileContract, type EffectiveContract } from "./effective-contract.core";
import type { PolicyForMachine, TenantContract } from "./machine-contract.core";

/** A contract with its id: SHA-256 of its canonical JSON. */
export interface IdentifiedContract {
  readonly contractId: string;
  readonly contract: EffectiveContract;
}

const allowedIds = (decisions: readonly Decision[]): string[] => decisions.filter(({ access }) => access === "allow").map(({ payloadId }) => payloadId);

/** Reads what everybody decided about a tenant and compiles it. Addresses come from the configuration only: they are part of what the id stands for. */
export async function compileEffectiveContract(ctx: Ctx, tenant: ContractTenant): Promise<IdentifiedContract> {
  const decisions = await compileGrants(ctx, tenant.name);
  const [mcpServers, granted] = await Promise.all([listServerFacts(ctx, allowedIds(decisions["mcp-server"])), listSkillFacts(ctx, allowedIds(decisions["skill-bundle"]))]);
  const base = ctx.config.publicUrl ?? "";
  const contract = compileContract({
    tenant: { name: tenant.name, team: tenant.team },
    memberships: tenant.datasets,
    awareness: decisions.awareness,
    mcpServers,
    skills: granted.filter((skill) => isOnAllowlist(tenant.skillAllowlist, skill)),
    gatewayUrl: `${base}/api/v1/mcp`,
    registryUrl: `${base}/api/v1/skills`,
  });
  return { contractId: await sha256Hex(canonicalJson(contract)), contract };
}

/** The policy that applies, or why nobody can say. */
async function findPolicyFor(ctx: Ctx, tenant: ContractTenant): Promise<PolicyForMachine> {
  const { state, policy, message } = resolvePolicy(tenant, await readPolicies(ctx), governanceConfig(ctx).tenants.defaultPolicyRef);
  if (state === "missing" || state === "conflict") return { kind: "broken", message: message ?? "No policy can be found for this tenant." };
  return policy ? { kind: "policy", rules: policy, advisory: advisoryOf(policy) } : { kind: "none" };
}

/** Which awareness version a tenant's agents should run. */
async function resolveAwareness(ctx: Ctx, wave: string | null): Promise<TenantContract["awareness"]> {
  const resolved = resolveVersion(await readRollout(ctx), wave);
  return { contractVersion: resolved.version, shadow: resolved.shadow, wave: resolved.wave };
}

/** Adds what machines are held to beyond what agents may know and use. */
export async function compileForMachines(ctx: Ctx, tenant: ContractTenant, effective: IdentifiedContract): Promise<TenantContract> {
  const [policy, awareness, governsMcp, governsSkills, bots] = await Promise.all([
    findPolicyFor(ctx, tenant),
    resolveAwareness(ctx, tenant.wave),
    hasServers(ctx),
    hasSkills(ctx),
    listOwnedBotIds(ctx, tenant.name, tenant.bornRevision),
  ]);
  return { ...effective, suspended: tenant.suspended, awareness, policy, governsMcp, governsSkills, bots };
}

