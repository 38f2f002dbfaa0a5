import type { EffectiveContract } from "./effective-contract.core";

/** What one machine must keep to: the contract of its tenant in a form that a daemon can enforce alone. Pure. */

interface NameRules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What of the policy that applies a machine is held to. */
export interface PolicyRulesForMachine {
  readonly domains: { readonly allow: readonly string[]; readonly deny: readonly string[]; readonly defaultDeny: boolean } | null;
  readonly egressRules: readonly { readonly cidr: string; readonly ports?: readonly number[]; readonly protocol?: "TCP" | "UDP" }[] | null;
  readonly mcpServers: NameRules | null;
  readonly tools: NameRules | null;
}

/** `broken`: nobody can say which policy applies, so nothing is allowed. */
export type PolicyForMachine =
  | { readonly kind: "policy"; readonly rules: PolicyRulesForMachine; readonly advisory: readonly string[] }
  | { readonly kind: "none" }
  | { readonly kind: "broken"; readonly message: string };

/** What all machines of a tenant share. */
export interface TenantContract {
  readonly contractId: string;
  readonly contract: EffectiveContract;
  readonly suspended: boolean;
  readonly awareness: { readonly contractVersion: string; readonly shadow: boolean; readonly wave: string };
  readonly policy: PolicyForMachine;
  /** Whether there are any MCP servers, and any skills, to be granted: a part that nobody uses yet makes no rule. */
  readonly governsMcp: boolean;
  readonly governsSkills: boolean;
  /** Bots that the tenant owns whatever machine they live on. */
  readonly bots: readonly string[];
}

const DENY_ALL = ["*"];
const matches = (list: readonly string[], name: string): boolean => list.includes(name) || list.includes("*");

/** The part of a machine contract that all machines of the tenant share; revision, times and the machine come with the signature. */
export function compileMachineContract({ contractId, contract, suspended, awareness, policy, governsMcp, governsSkills, bots }: TenantContract) {
  const common = { sub: contract.tenant.name, jti: contractId, suspended, awareness, bots: [...bots].sort() };
  if (policy.kind === "broken") {
    return {
      ...common,
      domains: { allow: [], deny: DENY_ALL, defaultDeny: true },
      egress: [],
      tools: { allow: [], deny: DENY_ALL },
      mcpServers: { allow: [], deny: DENY_ALL, servers: [] },
      skills: { entitled: [] },
      advisory: [`policy: ${policy.message} Nothing is allowed until this is settled.`],
    };
  }
  const rules = policy.kind === "policy" ? policy.rules : null;
  const mcp = mcpRules(rules?.mcpServers ?? null, contract.mcp.servers, governsMcp);
  return {
    ...common,
    domains: rules?.domains ? { allow: rules.domains.allow, deny: rules.domains.deny, defaultDeny: rules.domains.defaultDeny } : null,
    egress: (rules?.egressRules ?? []).map(({ cidr, ports, protocol }) => ({ cidr, ...(ports ? { ports } : {}), ...(protocol ? { protocol } : {}) })),
    tools: { allow: rules?.tools?.allow ?? null, deny: rules?.tools?.deny ?? [] },
    mcpServers: mcp,
    skills: { entitled: governsSkills ? contract.skills.entitled : null },
    advisory: policy.kind === "policy" ? policy.advisory : [],
  };
}

/** A server must be granted to the tenant, and its policy must not be against it. While no server is registered, the policy alone speaks. */
function mcpRules(policy: NameRules | null, granted: EffectiveContract["mcp"]["servers"], governsMcp: boolean) {
  const deny = policy?.deny ?? [];
  if (!governsMcp) return { allow: policy?.allow ?? null, deny, servers: [] };
  const servers = granted.filter(({ name }) => (policy?.allow === undefined || matches(policy.allow, name)) && !matches(deny, name));
  return { allow: servers.map(({ name }) => name), deny, servers };
}

/** The contract that ends a machine's being governed. */
export const releasedContract = (tenant: string, contractId: string) => ({ sub: tenant, jti: contractId, released: true as const });

/** The next revision of a machine. Never behind the clock: a machine that was registered anew under its old name goes on where it was. */
export const nextRevision = (current: number, nowMs: number): number => Math.max(current + 1, Math.floor(nowMs / 1_000));
