import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { AdminJob, CronTick } from "./admin-jobs.store";

export const AdminJobRef = z.object({ job_id: z.string().min(1).max(64) });

export const AdminJobView = z
  .object({
    job_id: z.string(),
    job_type: z.string(),
    status: z.enum(["pending", "running", "completed", "failed"]),
    triggered_by: z.int().nullable().describe("The administrator; null when the schedule began it."),
    total: z.int().describe("Accounts to look at, as counted at its begin."),
    processed: z.int(),
    counts: z
      .object({ active: z.int(), deactivated: z.int(), erased: z.int(), missing: z.int(), failed: z.int().describe("Accounts that could not be asked about; they keep what was known.") })
      .meta({ id: "AdminJobCounts" }),
    error: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    completed_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "AdminJob" });

export const AdminJobsStatusView = z
  .object({
    scheduler: z
      .object({
        running: z.boolean().describe("Whether a cron tick came within the last five minutes."),
        last_tick_at: z.iso.datetime().nullable(),
        jobs: z.array(z.object({ id: z.string(), last_run_at: z.iso.datetime() }).meta({ id: "ScheduledJob" })),
      })
      .meta({ id: "SchedulerState" }),
    recent_jobs: z.array(AdminJobView),
  })
  .meta({ id: "AdminJobsStatus" });

export const toJobView = (job: AdminJob): z.input<typeof AdminJobView> => ({
  job_id: job.id,
  job_type: job.kind,
  status: job.status,
  triggered_by: job.startedBy,
  total: job.total,
  processed: job.processed,
  counts: { active: 0, deactivated: 0, erased: 0, missing: 0, failed: 0, ...job.counts },
  error: job.error,
  created_at: iso(job.createdAt),
  started_at: isoOrNull(job.startedAt),
  completed_at: isoOrNull(job.finishedAt),
});

export const toScheduledJob = (tick: CronTick) => ({ id: tick.job, last_run_at: iso(tick.last) });
