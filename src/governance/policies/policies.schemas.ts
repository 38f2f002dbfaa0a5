import { z } from "zod";
import { iso } from "../../kernel/clock";
import { DriftView } from "../projections";
import { isWellFormed, NOT_WELL_FORMED } from "../text.core";
import { advisoryOf, isReservedName, type Policy } from "./policies.core";

const MAX_LIST = 500;

const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** A name that ends in a number is an address. */
const isHostPattern = (text: string): boolean => text === "*" || (HOST.test(text.startsWith("*.") ? text.slice(2) : text) && !/(^|\.)[0-9]+$/.test(text));

const DomainPattern = z.string().max(255).toLowerCase().refine(isHostPattern, "a host name, *.host.name for everything below it, or *");
const DomainList = z.array(DomainPattern).max(MAX_LIST);

const DomainRulesInput = z.strictObject({ allow: DomainList.nullish(), deny: DomainList.nullish(), defaultDeny: z.boolean().default(true) }).transform(({ allow, deny, defaultDeny }) => ({ allow: allow ?? [], deny: deny ?? [], defaultDeny }));

const NameList = z.array(z.string().min(1).max(253)).max(MAX_LIST);

/** Null and absent are one; what is absent is no list. */
const NameRulesInput = z.strictObject({ allow: NameList.nullish(), deny: NameList.nullish() }).transform(({ allow, deny }) => ({ ...(allow ? { allow } : {}), ...(deny ? { deny } : {}) }));

/** As wide as tenants' own labels. */
const LabelKey = z.string().min(1).max(253);
const LabelValue = z.string().max(253);

const SelectorInput = z
  .strictObject({
    matchTeam: z.string().trim().max(253).nullish(),
    matchLabels: z
      .record(LabelKey, LabelValue)
      .refine((labels) => Object.keys(labels).length <= 64, "at most 64 labels")
      .nullish(),
  })
  .transform(({ matchTeam, matchLabels }) => ({ ...(matchTeam ? { matchTeam } : {}), ...(matchLabels && Object.keys(matchLabels).length > 0 ? { matchLabels } : {}) }));

const EgressRuleInput = z
  .strictObject({
    cidr: z.cidrv4("an IPv4 range such as 10.0.0.0/8"),
    ports: z.array(z.int().min(1).max(65_535)).max(100).nullish(),
    protocol: z.enum(["TCP", "UDP"]).nullish(),
  })
  .transform(({ cidr, ports, protocol }) => ({ cidr, ...(ports ? { ports } : {}), ...(protocol ? { protocol } : {}) }));

const rules = {
  description: z
    .string()
    .max(2_000)
    .refine(isWellFormed, NOT_WELL_FORMED)
    .transform((text) => text || null)
    .nullish(),
  tenantSelector: SelectorInput.nullish(),
  /** What is allowed, or the whole rules. */
  domains: z.union([DomainList, DomainRulesInput]).nullish(),
  domainRules: DomainRulesInput.nullish(),
  egressRules: z.array(EgressRuleInput).max(200).nullish(),
  mcpServers: NameRulesInput.nullish(),
  tools: NameRulesInput.nullish(),
};

/** A label as in host names: it is a part of paths, and published clients print it as a name. */
const PolicyName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "lower-case letters, digits and dashes, at most 63, beginning and ending with a letter or digit")
  .refine((name) => !isReservedName(name), "this name is a path of its own");

export const CreatePolicyBody = z.object({ name: PolicyName, ...rules }).meta({ id: "CreateAccessPolicy" });

/** What is absent stays, null takes away; `name` may come along, unchanged. */
export const UpdatePolicyBody = z.object({ name: z.string().max(63).optional(), ...rules }).meta({ id: "UpdateAccessPolicy" });

/** Whatever it holds: a name that no policy can have is one that is not there. */
export const PolicyRef = z.object({ name: z.string().max(1_024) });

const NameRulesView = z.object({ allow: z.array(z.string()).optional(), deny: z.array(z.string()).optional() });
const DomainRulesView = z.object({ allow: z.array(z.string()), deny: z.array(z.string()), defaultDeny: z.boolean() }).meta({ id: "DomainRules" });

export const PolicyView = z
  .object({
    name: z.string(),
    namespace: z.string(),
    description: z.string().nullable(),
    tenantSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional(), matchTeam: z.string().optional() }),
    /** What is allowed. */
    domains: z.array(z.string()),
    /** The whole rules; null when host names are not restricted. */
    domainRules: DomainRulesView.nullable(),
    egressRules: z.array(z.object({ cidr: z.string(), ports: z.array(z.int()).optional(), protocol: z.enum(["TCP", "UDP"]).optional() })),
    mcpServers: NameRulesView,
    tools: NameRulesView,
    /** Rules that nobody can hold machines to in full, and why. */
    advisory: z.array(z.string()),
    revision: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "AccessPolicy" });

export const PolicyListView = z.array(PolicyView);

const changed = <S extends string>(status: S) => z.object({ name: z.string(), status: z.literal(status) });
export const CreatedPolicyView = changed("created").meta({ id: "CreatedAccessPolicy" });
export const UpdatedPolicyView = changed("updated").meta({ id: "UpdatedAccessPolicy" });
export const DeletedPolicyView = changed("deleted").meta({ id: "DeletedAccessPolicy" });

/** `alsoCompared`: fields that are compared although the contract does not list them. */
export const PolicyDriftView = DriftView.extend({ alsoCompared: z.array(z.string()) }).meta({ id: "AccessPolicyDrift" });

/** The copy of a name list: schemas of answers may change theirs. */
const nameRules = (given: Policy["mcpServers"]): z.input<typeof NameRulesView> => ({ ...(given?.allow ? { allow: [...given.allow] } : {}), ...(given?.deny ? { deny: [...given.deny] } : {}) });

export function toPolicyView(policy: Policy): z.input<typeof PolicyView> {
  const { name, description, tenantSelector, domains, egressRules, mcpServers, tools, revision, createdAt, updatedAt } = policy;
  return {
    name,
    namespace: "default",
    description,
    tenantSelector: { ...(tenantSelector.matchLabels ? { matchLabels: { ...tenantSelector.matchLabels } } : {}), ...(tenantSelector.matchTeam === undefined ? {} : { matchTeam: tenantSelector.matchTeam }) },
    domains: [...(domains?.allow ?? [])],
    domainRules: domains && { allow: [...domains.allow], deny: [...domains.deny], defaultDeny: domains.defaultDeny },
    egressRules: (egressRules ?? []).map(({ cidr, ports, protocol }) => ({ cidr, ...(ports ? { ports: [...ports] } : {}), ...(protocol ? { protocol } : {}) })),
    mcpServers: nameRules(mcpServers),
    tools: nameRules(tools),
    advisory: advisoryOf(policy),
    revision,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}
