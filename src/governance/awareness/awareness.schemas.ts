import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { isWellFormed, NOT_WELL_FORMED } from "../text.core";
import { EVENT_KINDS, OUTCOMES, type Judgement, type Participation } from "./participation.core";
import { nextWave, type Rollout } from "./rollout.core";

const Version = z.string().trim().max(200).refine(isWellFormed, NOT_WELL_FORMED);
/** As long as tenants' own. */
const Wave = z.string().trim().min(1).max(64);

export const RolloutBody = z
  .object({
    targetVersion: Version.min(1),
    /** Missing or blank: the built-in version. */
    stableVersion: Version.nullish(),
    /** In order of promotion, the widest last. Missing or empty: the built-in ones. */
    waves: z
      .array(Wave)
      .max(50)
      .refine((waves) => new Set(waves).size === waves.length, "each wave once")
      .nullish(),
    shadowMode: z.boolean().nullish(),
  })
  .meta({ id: "SetAwarenessRollout" });

/** Without `wave`: the next one. With it: everything up to it, which may take later waves back. */
export const PromoteBody = z.object({ wave: z.string().trim().max(64).nullish() }).meta({ id: "PromoteAwarenessRollout" });

export const RolloutView = z
  .object({
    targetVersion: z.string(),
    stableVersion: z.string(),
    waves: z.array(z.string()),
    promotedWaves: z.array(z.string()),
    shadowMode: z.boolean(),
    /** Null when all are promoted. */
    nextWave: z.string().nullable(),
  })
  .meta({ id: "AwarenessRollout" });

export const TenantRef = z.object({ tenant: z.string().max(1_024) });

export const ResolvedView = z.object({ tenant: z.string(), version: z.string(), promoted: z.boolean(), shadow: z.boolean(), wave: z.string() }).meta({ id: "ResolvedAwarenessVersion" });

/** Unknown values of `severity` filter nothing. */
export const ParticipationQuery = z.object({ severity: z.enum(["critical", "warning"]).optional().catch(undefined) });

const Severity = z.enum(["ok", "warning", "critical"]);

const TenantParticipation = z.object({
  tenant: z.string(),
  lastSeenAt: z.iso.datetime().nullable(),
  runningContractVersion: z.string().nullable(),
  expectedContractVersion: z.string(),
  participating: z.boolean(),
  drifted: z.boolean(),
  policyViolations: z.int(),
  severity: Severity,
  skillExecutions: z.int(),
  /** Newest last, at most 20. */
  recentViolations: z.array(z.object({ at: z.iso.datetime(), kind: z.string(), subject: z.string() })),
  /** Who reported last; `instanceId` is null for reports with the tenant's own token. */
  machines: z.array(z.object({ instanceId: z.string().nullable(), lastSeenAt: z.iso.datetime(), runningContractVersion: z.string().nullable() })),
});

export const ParticipationView = z
  .object({ total: z.int(), participating: z.int(), drifted: z.int(), critical: z.int(), warning: z.int(), tenants: z.array(TenantParticipation) })
  .meta({ id: "AwarenessParticipation" });

/** What an agent reports of itself. Of `payload`, `kind` and `subject` tell what a violation was about. */
export const EventBody = z
  .object({
    kind: z.enum(EVENT_KINDS),
    idempotencyKey: z.string().min(1).max(200),
    occurredAt: z.iso.datetime({ offset: true }).nullish(),
    contractVersion: Version.min(1).nullish(),
    outcome: z.enum(OUTCOMES).nullish(),
    payload: z.looseObject({ kind: z.unknown().optional(), subject: z.unknown().optional() }).nullish(),
  })
  .meta({ id: "ParticipationEvent" });

export const RecordedView = z.object({ recorded: z.boolean(), duplicate: z.boolean() }).meta({ id: "RecordedParticipation" });

export const toRolloutView = (rollout: Rollout): z.input<typeof RolloutView> => ({
  targetVersion: rollout.targetVersion,
  stableVersion: rollout.stableVersion,
  waves: [...rollout.waves],
  promotedWaves: [...rollout.promotedWaves],
  shadowMode: rollout.shadowMode,
  nextWave: nextWave(rollout),
});

export const toTenantParticipation = (tenant: string, known: Participation, expected: string, judged: Judgement): z.input<typeof TenantParticipation> => ({
  tenant,
  lastSeenAt: isoOrNull(known.lastSeenAt),
  runningContractVersion: judged.runningVersion,
  expectedContractVersion: expected,
  participating: judged.participating,
  drifted: judged.drifted,
  policyViolations: known.policyViolations,
  severity: judged.severity,
  skillExecutions: known.skillExecutions,
  recentViolations: known.recentViolations.map(({ at, kind, subject }) => ({ at: iso(at), kind, subject })),
  machines: known.machines.map(({ machine, lastSeenAt, runningVersion }) => ({ instanceId: machine === "" ? null : machine, lastSeenAt: iso(lastSeenAt), runningContractVersion: runningVersion })),
});
