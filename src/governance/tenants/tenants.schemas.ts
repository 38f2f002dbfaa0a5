import { z } from "zod";
import { iso } from "../../kernel/clock";
import { DriftView } from "../projections";
import { isWellFormed, NOT_WELL_FORMED } from "../text.core";
import { faultOfName, PHASES } from "./tenants.core";
import type { TenantRow } from "./tenants.store";

const MAX_RESOURCES_BYTES = 8 * 1024;
const MAX_LABELS = 50;
const MAX_DATASETS = 500;

const Name = z
  .string()
  .max(63)
  .refine((name) => faultOfName(name) === null, { error: ({ input }) => faultOfName(String(input)) ?? "Invalid" });
const DisplayName = z.string().trim().max(200).refine(isWellFormed, NOT_WELL_FORMED);
const Email = z.email().max(254);
/** Blank ones say nothing. */
const Word = z.string().trim().max(253).refine(isWellFormed, NOT_WELL_FORMED);
const Budget = z.number().min(0).max(1_000_000_000);
const Resources = z.record(z.string().max(100), z.unknown()).refine((resources) => JSON.stringify(resources).length <= MAX_RESOURCES_BYTES, `At most ${MAX_RESOURCES_BYTES} bytes`);
const SkillAllowlist = z.array(z.string().trim().min(1).max(253)).max(500);
const Labels = z.record(z.string().min(1).max(200), z.string().max(200)).refine((labels) => Object.keys(labels).length <= MAX_LABELS, `At most ${MAX_LABELS} labels`);

/** What may be left out, and be said to be nothing. */
const optionalFields = {
  team: Word.nullish(),
  monthlyBudgetUsd: Budget.nullish(),
  resources: Resources.nullish(),
  skillAllowlist: SkillAllowlist.nullish(),
  policyRef: Word.nullish(),
  clusterTenantRef: Word.nullish(),
  labels: Labels.nullish(),
  wave: z.string().trim().max(64).refine(isWellFormed, NOT_WELL_FORMED).nullish(),
};

export const CreateTenantBody = z.object({ name: Name, displayName: DisplayName.min(1), email: Email, ...optionalFields }).meta({ id: "CreateTenantRequest" });

/** Absent fields and empty strings change nothing; null clears. */
export const UpdateTenantBody = z.object({ displayName: DisplayName.optional(), email: z.union([Email, z.literal("")]).optional(), ...optionalFields }).meta({ id: "UpdateTenantRequest" });

/** Any name at all: one that cannot be a tenant's is one that is not there. */
export const TenantRef = z.object({ name: z.string().min(1).max(253) });

const Policy = z.object({
  name: z.string().nullable(),
  source: z.enum(["ref", "selector", "default", "none"]),
  state: z.enum(["resolved", "none", "missing", "conflict"]),
});

export const TenantView = z
  .object({
    name: z.string(),
    displayName: z.string(),
    email: z.string(),
    team: z.string().optional(),
    phase: z.enum(PHASES).meta({ description: "As observed" }),
    message: z.string().optional().meta({ description: "What is wrong, in phase Error" }),
    ingressHost: z.string().optional(),
    policy: Policy.optional().meta({ description: "Which policy applies and why; absent until somebody has looked" }),
    policyRef: z.string().optional(),
    clusterTenantRef: z.string().optional(),
    monthlyBudgetUsd: z.number().optional(),
    resources: z.record(z.string(), z.unknown()).optional(),
    skillAllowlist: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    wave: z.string().optional().meta({ description: "Its wave of the awareness rollout; absent: the widest" }),
    revision: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Tenant" });

export const TenantListView = z.array(TenantView);

const changed = <S extends string>(status: S, id: string) => z.object({ name: z.string(), status: z.literal(status) }).meta({ id });
export const CreatedTenantView = changed("created", "TenantCreated");
export const UpdatedTenantView = changed("updated", "TenantUpdated");
export const DeletedTenantView = changed("deleted", "TenantDeleted");
export const SuspendedTenantView = changed("suspended", "TenantSuspended");
export const ResumedTenantView = changed("resumed", "TenantResumed");

export const TenantDriftView = DriftView.extend({ alsoCompared: z.array(z.string()) }).meta({ id: "TenantDriftReport" });

const DatasetNames = z.array(z.string().max(253)).max(MAX_DATASETS);

/** There is one organisation, and everybody is in it. */
export const DatasetsBody = z
  .object({
    org: z.array(z.string().max(253)).refine((org) => org.length === 0 || (org.length === 1 && org[0] === "default"), 'Only [] or ["default"]'),
    team: DatasetNames,
    project: DatasetNames,
    personal: DatasetNames,
  })
  .meta({ id: "TenantDatasetsRequest" });

export const DatasetsView = z.object({ org: z.array(z.string()), team: z.array(z.string()), project: z.array(z.string()), personal: z.array(z.string()) }).meta({ id: "TenantDatasets" });

const given = <K extends string, V>(key: K, value: V | null): Partial<Record<K, V>> => (value === null ? {} : ({ [key]: value } as Record<K, V>));

/** @param baseDomain under which the tenant's host is; null: it has none */
export function toTenantView(row: TenantRow, baseDomain: string | null): z.input<typeof TenantView> {
  return {
    name: row.name,
    displayName: row.displayName,
    email: row.email,
    ...given("team", row.team),
    phase: row.phase,
    ...(row.phase === "Error" ? given("message", row.policyMessage) : {}),
    ...given("ingressHost", baseDomain === null ? null : `${row.name}.${baseDomain}`),
    ...(row.policySource && row.policyState ? { policy: { name: row.policyName, source: row.policySource, state: row.policyState } } : {}),
    ...given("policyRef", row.policyRef),
    ...given("clusterTenantRef", row.clusterTenantRef),
    ...given("monthlyBudgetUsd", row.monthlyBudgetUsd),
    ...given("resources", row.resources),
    ...(row.skillAllowlist ? { skillAllowlist: [...row.skillAllowlist] } : {}),
    ...(Object.keys(row.labels).length > 0 ? { labels: row.labels } : {}),
    ...given("wave", row.wave),
    revision: row.revision,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
  };
}

/** Browsers cannot send headers with a WebSocket. */
export const SocketQuery = z.object({ token: z.string().max(4_096).optional() });
