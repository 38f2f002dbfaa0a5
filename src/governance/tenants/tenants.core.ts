/** What operators want of a tenant: a team with its agents. Absent things are null. */
export interface TenantSpec {
  readonly displayName: string;
  readonly email: string;
  readonly team: string | null;
  readonly monthlyBudgetUsd: number | null;
  /** What its runtimes may take; passed on as it came. */
  readonly resources: Readonly<Record<string, unknown>> | null;
  readonly skillAllowlist: readonly string[] | null;
  /** Name of the one policy that applies, whatever the selectors say. */
  readonly policyRef: string | null;
  readonly clusterTenantRef: string | null;
  /** What policies' selectors match. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its wave of the awareness rollout; null: the widest. */
  readonly wave: string | null;
  readonly suspended: boolean;
}

/** What of a spec an operator writes; suspending is its own verb. */
export type TenantPatch = { readonly [K in keyof Omit<TenantSpec, "suspended">]?: TenantSpec[K] };

/** Data sets that a tenant's agents may know, by who shares them. */
export interface Datasets {
  readonly org: readonly string[];
  readonly team: readonly string[];
  readonly project: readonly string[];
  readonly personal: readonly string[];
}

/** Everybody is in the organisation, and it has one data set. */
export const DEFAULT_DATASETS: Datasets = { org: ["default"], team: [], project: [], personal: [] };

/**
 * Which policy applies to a tenant and why: `ref` it is named, `selector` it matched, `default` nothing else did, `none` there is none.
 * `missing` and `conflict` are errors: no policy applies and the tenant does not run.
 */
export interface PolicyResolution {
  readonly name: string | null;
  readonly source: "ref" | "selector" | "default" | "none";
  readonly state: "resolved" | "none" | "missing" | "conflict";
  /** What is wrong, for people; null when nothing is. */
  readonly message: string | null;
}

export const PHASES = ["Pending", "Running", "Suspended", "Error"] as const;
export type Phase = (typeof PHASES)[number];

/** What was observed of a tenant. A suspended one is suspended whatever else is the matter; one that nobody has looked at is pending. */
export function phaseOf(spec: Pick<TenantSpec, "suspended">, resolution: PolicyResolution | null): Phase {
  if (spec.suspended) return "Suspended";
  if (resolution === null) return "Pending";
  return resolution.state === "missing" || resolution.state === "conflict" ? "Error" : "Running";
}

/** All of a tenant as its object keeps it: what D1 shows is made of this and nothing else. */
export interface TenantState {
  readonly name: string;
  readonly spec: TenantSpec;
  readonly datasets: Datasets;
  /** Null until somebody has looked. */
  readonly resolution: PolicyResolution | null;
  /** Of every change, also past a deletion and a new beginning. */
  readonly revision: number;
  /** The revision with which this life of the name began. */
  readonly bornRevision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The spec with what a patch names. */
export const patched = (spec: TenantSpec, patch: TenantPatch): TenantSpec => ({ ...spec, ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) });

/** The fields in which two specs differ, as the audit trail shows them. */
export function changedFields(before: TenantSpec, after: TenantSpec): { readonly before: Partial<TenantSpec>; readonly after: Partial<TenantSpec> } {
  const names = (Object.keys(after) as (keyof TenantSpec)[]).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const pick = (spec: TenantSpec): Partial<TenantSpec> => Object.fromEntries(names.map((name) => [name, spec[name]]));
  return { before: pick(before), after: pick(after) };
}

/** Data sets as they are kept: trimmed, without blanks and repetitions, sorted. */
export function normaliseDatasets(asked: Datasets): Datasets {
  const tidy = (names: readonly string[]): string[] => [...new Set(names.map((name) => name.trim()).filter((name) => name !== ""))].sort();
  return { org: DEFAULT_DATASETS.org, team: tidy(asked.team), project: tidy(asked.project), personal: tidy(asked.personal) };
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Paths of their own stand where these names would. */
const RESERVED: ReadonlySet<string> = new Set(["drift", "repair"]);

/** What keeps `name` from being a tenant's; null when nothing does. */
export function faultOfName(name: string): string | null {
  if (!NAME.test(name)) return "Lower case letters, digits and inner hyphens, at most 63";
  return RESERVED.has(name) ? `"${name}" is reserved` : null;
}
