/** Access policies as values: who they are meant for, what a change makes of them, and which one counts for a tenant. */

/** Who a policy is meant for; an empty selector matches nobody. */
export interface TenantSelector {
  readonly matchTeam?: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** Host names: `example.org` exactly, `*.example.org` any depth below, `*` all. Deny beats allow. */
export interface DomainRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Whether what is not allowed is refused. */
  readonly defaultDeny: boolean;
}

export interface EgressRule {
  readonly cidr: string;
  readonly ports?: readonly number[];
  readonly protocol?: "TCP" | "UDP";
}

/** Names allowed and denied, `*` for all. Without `allow` everything is allowed that is not denied. */
export interface NameRules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What a policy says. Null: no rule of that kind. */
export interface PolicyRules {
  readonly description: string | null;
  readonly tenantSelector: TenantSelector;
  readonly domains: DomainRules | null;
  readonly egressRules: readonly EgressRule[] | null;
  readonly mcpServers: NameRules | null;
  readonly tools: NameRules | null;
}

/** A policy as its source keeps it, and as D1 copies it. Times in ms. */
export interface Policy extends PolicyRules {
  readonly name: string;
  /** Grows with every change, also past a deletion and a new policy of the same name. */
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a caller wants changed: absent stays, null takes away. */
export interface PolicyChange {
  readonly description?: string | null | undefined;
  readonly tenantSelector?: TenantSelector | null | undefined;
  /** A list replaces what is allowed and leaves the rest. */
  readonly domains?: readonly string[] | DomainRules | null | undefined;
  /** The whole of {@link DomainRules}, for callers that read `domains` as a list. */
  readonly domainRules?: DomainRules | null | undefined;
  readonly egressRules?: readonly EgressRule[] | null | undefined;
  readonly mcpServers?: NameRules | null | undefined;
  readonly tools?: NameRules | null | undefined;
}

const NO_RULES: PolicyRules = { description: null, tenantSelector: {}, domains: null, egressRules: null, mcpServers: null, tools: null };

/** Fields that a drift report names as compared, in the order of the contract. */
export const COMPARED_FIELDS: readonly string[] = ["description", "tenantSelector", "domains", "egressRules", "mcpServers"];
/** Compared as well: fields that the contract does not know. */
export const ALSO_COMPARED: readonly string[] = ["tools"];

/** Most policies of an organisation: each is read whenever a tenant's is looked for. */
export const MAX_POLICIES = 500;

/** Paths beside `/policies/{name}`: a policy of that name could not be reached. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["drift", "repair"]);
export const isReservedName = (name: string): boolean => RESERVED_NAMES.has(name);

const OPEN_END: DomainRules = { allow: [], deny: [], defaultDeny: true };
const sameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((one, index) => one === b[index]);
const isList = (value: readonly string[] | DomainRules): value is readonly string[] => Array.isArray(value);

/**
 * Rules about host names after a change. Whoever reads a policy, edits it and sends it back sends the list and the whole rules: the
 * one that differs from what was there is the edit.
 * @returns "contradiction" when both were edited, and not alike
 */
function changedDomains(before: DomainRules | null, { domains, domainRules }: PolicyChange, isNew: boolean): DomainRules | null | "contradiction" {
  if (domains === undefined) return domainRules === undefined ? before : domainRules;
  if (domains === null) return domainRules ?? null;
  if (!isList(domains)) return domains;
  const listBefore = before?.allow ?? [];
  // What a policy without domain rules shows is an empty list: sent back, it is no wish to allow nothing.
  if (domainRules === undefined) return !isNew && sameList(domains, listBefore) ? before : { ...(before ?? OPEN_END), allow: domains };
  const rules = domainRules ?? null;
  const listOfRules = rules?.allow ?? [];
  if (sameList(domains, listOfRules) || sameList(domains, listBefore)) return rules;
  return sameList(listOfRules, listBefore) ? { ...(rules ?? OPEN_END), allow: domains } : "contradiction";
}

/** What a policy says after a change; a contradiction is the caller's fault and names no winner. @param old null for a new policy */
export function changePolicy(old: PolicyRules | null, change: PolicyChange): PolicyRules | "contradiction" {
  const before = old ?? NO_RULES;
  const domains = changedDomains(before.domains, change, old === null);
  if (domains === "contradiction") return domains;
  const pick = <T>(wanted: T | undefined, now: T): T => (wanted === undefined ? now : wanted);
  return {
    description: pick(change.description, before.description),
    tenantSelector: change.tenantSelector === null ? {} : pick(change.tenantSelector, before.tenantSelector),
    domains,
    egressRules: pick(change.egressRules, before.egressRules),
    mcpServers: pick(change.mcpServers, before.mcpServers),
    tools: pick(change.tools, before.tools),
  };
}

const RULES = ["description", "tenantSelector", "domains", "egressRules", "mcpServers", "tools"] as const;

/** What a change made different, for the audit. */
export function changedRules(before: PolicyRules, after: PolicyRules): { readonly before: Partial<PolicyRules>; readonly after: Partial<PolicyRules> } {
  const differing = RULES.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  const only = (rules: PolicyRules): Partial<PolicyRules> => Object.fromEntries(differing.map((key) => [key, rules[key]]));
  return { before: only(before), after: only(after) };
}

/** Of a tenant, what selectors look at. */
export interface SelectedTenant {
  readonly name: string;
  readonly team: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The policy named by the tenant itself. */
  readonly policyRef: string | null;
}

/** Labels that every tenant has, whatever it says itself. */
const impliedLabels = ({ name, team }: SelectedTenant): Readonly<Record<string, string>> => ({ "opencrane.io/tenant": name, ...(team === null ? {} : { "opencrane.io/team": team }) });

/** Whether all of a selector holds for a tenant. */
export function selectorMatches(selector: TenantSelector, tenant: SelectedTenant): boolean {
  const wanted = Object.entries(selector.matchLabels ?? {});
  if (wanted.length === 0 && selector.matchTeam === undefined) return false;
  const labels = new Map(Object.entries({ ...tenant.labels, ...impliedLabels(tenant) }));
  return (selector.matchTeam === undefined || selector.matchTeam === tenant.team) && wanted.every(([key, value]) => labels.get(key) === value);
}

/** Which policy counts for a tenant and where that comes from. With `missing` and `conflict` none does and the tenant cannot run: `message` says why, for people. */
export interface PolicyResolution<P> {
  readonly state: "resolved" | "none" | "missing" | "conflict";
  readonly source: "ref" | "selector" | "default" | "none";
  readonly policy: P | null;
  readonly message: string | null;
}

/**
 * The policy that the tenant names, else the only one whose selector matches, else the default, else none. A named one that is not
 * there, and several that match, are errors: no guess is safe.
 * @param defaultRef name of the configured default; null when there is none
 */
export function resolvePolicy<P extends Pick<Policy, "name" | "tenantSelector">>(tenant: SelectedTenant, policies: readonly P[], defaultRef: string | null): PolicyResolution<P> {
  const named = (source: "ref" | "default", name: string): PolicyResolution<P> => {
    const policy = policies.find((one) => one.name === name);
    if (policy) return { state: "resolved", source, policy, message: null };
    return { state: "missing", source, policy: null, message: `The ${source === "default" ? "default policy" : "tenant's policy"} ${name} does not exist.` };
  };
  if (tenant.policyRef !== null) return named("ref", tenant.policyRef);
  const matching = policies.filter((one) => selectorMatches(one.tenantSelector, tenant));
  const [only] = matching;
  if (matching.length > 1) {
    const names = matching.map((one) => one.name).sort();
    return { state: "conflict", source: "selector", policy: null, message: `Several policies match this tenant: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}.` };
  }
  if (only) return { state: "resolved", source: "selector", policy: only, message: null };
  return defaultRef === null ? { state: "none", source: "none", policy: null, message: null } : named("default", defaultRef);
}

/** Whether a name may be used under rules; no rules allow everything. */
export function allowsName(rules: NameRules | null, name: string): boolean {
  if (rules === null) return true;
  const has = (list: readonly string[]): boolean => list.includes(name) || list.includes("*");
  return !has(rules.deny ?? []) && (rules.allow === undefined || has(rules.allow));
}

/** Which of a policy's rules nobody can hold machines to in full, and why; for people. */
export function advisoryOf({ domains, egressRules }: Pick<Policy, "domains" | "egressRules">): string[] {
  const rules = egressRules ?? [];
  const udp = rules.flatMap(({ protocol }, index) => (protocol === "UDP" ? [index] : []));
  return [
    ...(rules.length > 0 ? ["egressRules: enforced for connections to IP addresses; a host name is judged by the domain rules where there are any."] : []),
    ...(rules.length > 0 && domains === null ? ["domains: this policy has none, so a host name is judged by the addresses that it leads to at that moment."] : []),
    ...udp.map((index) => `egressRules[${index}]: UDP does not pass the proxy that enforces the rules.`),
  ];
}
