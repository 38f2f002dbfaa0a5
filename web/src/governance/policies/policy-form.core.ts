/** An access policy as a form holds it, and as the wire does. */
import type { NewPolicy, Policy, Tenant } from "../governance.types";
import { readEgress, readLabels, readList, readWords, showEgress, showLabels, showList } from "../texts.core";

export interface PolicyDraft {
  name: string;
  description: string;
  matchTeam: string;
  labels: string;
  /** Whether host names are restricted at all. */
  rulesDomains: boolean;
  domainsAllow: string;
  domainsDeny: string;
  defaultDeny: boolean;
  egress: string;
  /** Whether only named tools may be used. */
  limitsTools: boolean;
  toolsAllow: string;
  toolsDeny: string;
  limitsMcp: boolean;
  mcpAllow: string;
  mcpDeny: string;
}

export type DraftField = keyof PolicyDraft;

export const EMPTY_POLICY: PolicyDraft = {
  name: "",
  description: "",
  matchTeam: "",
  labels: "",
  rulesDomains: true,
  domainsAllow: "",
  domainsDeny: "",
  defaultDeny: true,
  egress: "",
  limitsTools: false,
  toolsAllow: "",
  toolsDeny: "",
  limitsMcp: false,
  mcpAllow: "",
  mcpDeny: "",
};

export const draftOfPolicy = (policy: Policy): PolicyDraft => ({
  name: policy.name,
  description: policy.description ?? "",
  matchTeam: policy.tenantSelector.matchTeam ?? "",
  labels: showLabels(policy.tenantSelector.matchLabels),
  rulesDomains: policy.domainRules !== null,
  domainsAllow: showList(policy.domainRules?.allow),
  domainsDeny: showList(policy.domainRules?.deny),
  defaultDeny: policy.domainRules?.defaultDeny ?? true,
  egress: showEgress(policy.egressRules),
  limitsTools: policy.tools.allow !== undefined,
  toolsAllow: showList(policy.tools.allow),
  toolsDeny: showList(policy.tools.deny),
  limitsMcp: policy.mcpServers.allow !== undefined,
  mcpAllow: showList(policy.mcpServers.allow),
  mcpDeny: showList(policy.mcpServers.deny),
});

export type Faults = { [field in DraftField]?: string };
export type ReadDraft = { ok: true; body: NewPolicy } | { ok: false; faults: Faults };

interface NameRules {
  allow?: string[];
  deny?: string[];
}

function nameRules(isLimited: boolean, allow: string, deny: string): NameRules | null {
  const denied = readList(deny);
  if (!isLimited && denied.length === 0) return null;
  return { ...(isLimited ? { allow: readList(allow) } : {}), ...(denied.length > 0 ? { deny: denied } : {}) };
}

/** The whole policy that a form means: what is empty is no rule. */
export function readPolicyDraft(draft: PolicyDraft): ReadDraft {
  const labels = readLabels(draft.labels);
  const egress = readEgress(draft.egress);
  const name = draft.name.trim();
  const faults: Faults = {
    ...(name === "" ? { name: "A policy needs a name." } : {}),
    ...(labels.ok ? {} : { labels: labels.fault }),
    ...(egress.ok ? {} : { egress: egress.fault }),
  };
  if (!labels.ok || !egress.ok || name === "") return { ok: false, faults };
  const matchTeam = draft.matchTeam.trim();
  const hasLabels = Object.keys(labels.value).length > 0;
  return {
    ok: true,
    body: {
      name,
      description: draft.description.trim() || null,
      tenantSelector: matchTeam === "" && !hasLabels ? null : { ...(matchTeam === "" ? {} : { matchTeam }), ...(hasLabels ? { matchLabels: labels.value } : {}) },
      domainRules: draft.rulesDomains ? { allow: readWords(draft.domainsAllow), deny: readWords(draft.domainsDeny), defaultDeny: draft.defaultDeny } : null,
      egressRules: egress.value.length > 0 ? egress.value : null,
      tools: nameRules(draft.limitsTools, draft.toolsAllow, draft.toolsDeny),
      mcpServers: nameRules(draft.limitsMcp, draft.mcpAllow, draft.mcpDeny),
    },
  };
}

/** Where the server's faults belong in the form, by the path of the wire. */
export const WIRE_PATHS: readonly (readonly [DraftField, string])[] = [
  ["name", "name"],
  ["description", "description"],
  ["matchTeam", "tenantSelector.matchTeam"],
  ["labels", "tenantSelector.matchLabels"],
  ["domainsAllow", "domainRules.allow"],
  ["domainsDeny", "domainRules.deny"],
  ["egress", "egressRules"],
  ["toolsAllow", "tools.allow"],
  ["toolsDeny", "tools.deny"],
  ["mcpAllow", "mcpServers.allow"],
  ["mcpDeny", "mcpServers.deny"],
];

/** Whom a policy is meant for, in words. */
export function describeSelector({ matchTeam, matchLabels }: Policy["tenantSelector"]): string {
  const parts = [...(matchTeam === undefined ? [] : [`team ${matchTeam}`]), ...Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)];
  return parts.length === 0 ? "Only tenants that name it" : `Tenants of ${parts.join(" with ")}`.replace(/^Tenants of (?!team )/, "Tenants with ");
}

/** Its rules in a line. */
export function describeRules({ domainRules, egressRules, tools, mcpServers }: Pick<Policy, "domainRules" | "egressRules" | "tools" | "mcpServers">): string {
  const names = (what: string, { allow, deny }: NameRules): string[] => (allow === undefined && deny === undefined ? [] : [`${what}: ${[allow && `${allow.length} allowed`, deny && `${deny.length} denied`].filter(Boolean).join(", ")}`]);
  const parts = [
    ...(domainRules === null ? [] : [`domains: ${domainRules.allow.length} allowed, ${domainRules.deny.length} denied, others ${domainRules.defaultDeny ? "refused" : "open"}`]),
    ...(egressRules.length === 0 ? [] : [`${egressRules.length} egress`]),
    ...names("tools", tools),
    ...names("MCP", mcpServers),
  ];
  return parts.length === 0 ? "No rules" : parts.join(" · ");
}

/** Tenants that are under a policy now, as the server resolved it. */
export const tenantsUnder = (tenants: readonly Tenant[], policyName: string): Tenant[] => tenants.filter(({ policy }) => policy?.state === "resolved" && policy.name === policyName);
