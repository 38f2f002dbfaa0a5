import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { redactDeep } from "../../kernel/logging/redact-deep";
import type { CronRun, Finding } from "./runs.store";

const Limit = z.coerce.number().int().min(1).max(200).default(50);
const PageCursor = z.string().min(1).max(1_000).optional();

export const LagView = z
  .object({
    /** Effects that are due and not delivered. A second or two is normal; the sweep comes every minute. */
    outbox: z.object({ due: z.int(), oldest_due_at: z.iso.datetime().nullable(), oldest_age_seconds: z.int(), parked: z.int() }),
    /** Messages that were handled in the last hour, newest first and no more than `sampled`. */
    queue: z.object({
      handled_last_5_minutes: z.int(),
      handled_last_hour: z.int(),
      /** True when there were more than are counted here. */
      capped: z.boolean(),
      last_handled_at: z.iso.datetime().nullable(),
      /** From when a message was to be handled to when it was, over those counted. */
      late_ms: z.object({ p50: z.int(), p95: z.int(), max: z.int() }).nullable(),
    }),
    dead_letters: z.object({ total: z.int(), newest_at: z.iso.datetime().nullable(), by_type: z.array(z.object({ type: z.string(), count: z.int(), newest_at: z.iso.datetime().nullable() })) }),
  })
  .meta({ id: "QueueLag" });

export const CronRunView = z
  .object({
    job: z.string(),
    scheduled_at: z.iso.datetime(),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
    /** `running` for ever: its isolate died. */
    outcome: z.enum(["running", "ok", "failed"]),
    error: z.string().nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: "CronRun" });

export const CronOverviewView = z.object({ jobs: z.array(z.object({ ...CronRunView.shape, failures_last_day: z.int() }).meta({ id: "CronJob" })) }).meta({ id: "CronOverview" });

export const ListRunsQuery = z.object({ limit: Limit, cursor: PageCursor, outcome: z.enum(["ok", "failed"]).optional() });
export const ListFailuresQuery = z.object({ limit: Limit, cursor: PageCursor });
export const CronJobRef = z.object({ job: z.string().min(1).max(100) });
export const CronRunListView = z.object({ runs: z.array(CronRunView), next_cursor: z.string().nullable() }).meta({ id: "CronRunList" });

export const ListFindingsQuery = z.object({ state: z.enum(["open", "resolved"]).default("open"), kind: z.string().min(1).max(100).optional(), limit: Limit, cursor: PageCursor });

export const FindingView = z
  .object({
    id: z.int(),
    kind: z.string(),
    subject: z.string(),
    driver: z.string(),
    detail: z.record(z.string(), z.unknown()),
    first_seen_at: z.iso.datetime(),
    last_seen_at: z.iso.datetime(),
    resolved_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "ReconcileFinding" });

export const FindingListView = z.object({ findings: z.array(FindingView), next_cursor: z.string().nullable() }).meta({ id: "ReconcileFindingList" });

export const toRunView = (run: CronRun): z.input<typeof CronRunView> => ({
  job: run.job,
  scheduled_at: iso(run.scheduledAt),
  started_at: iso(run.createdAt),
  ended_at: isoOrNull(run.endedAt),
  outcome: run.outcome ?? "running",
  error: run.error === null ? null : String(redactDeep(run.error)),
  duration_ms: run.endedAt === null ? null : run.endedAt - run.createdAt,
});

export const toFindingView = (finding: Finding): z.input<typeof FindingView> => ({
  id: finding.id,
  kind: finding.kind,
  subject: finding.subject,
  driver: finding.driver,
  // What went in was an object, and comes out as one.
  detail: redactDeep(finding.detail) as Record<string, unknown>,
  first_seen_at: iso(finding.firstSeenAt),
  last_seen_at: iso(finding.lastSeenAt),
  resolved_at: isoOrNull(finding.resolvedAt),
});
