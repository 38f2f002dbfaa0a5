import type { z } from "zod";
import { isoOrNull, MINUTE_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { toJobView, toScheduledJob, type AdminJobRef, type AdminJobsStatusView, type AdminJobView } from "./admin-jobs.schemas";
import { findJob, listNewestJobs, listNewestTicks } from "./admin-jobs.store";

const RECENT_JOBS = 10;
/** Ticks come every minute; after some missing ones the scheduler is taken for stopped. */
const TICK_PATIENCE_MS = 5 * MINUTE_MS;

/** Whether the schedule runs, and how the last jobs went. */
export async function getJobsStatus(ctx: OwnerCtx): Promise<z.input<typeof AdminJobsStatusView>> {
  const [ticks, jobs] = await Promise.all([listNewestTicks(ctx), listNewestJobs(ctx, RECENT_JOBS)]);
  const last = ticks.reduce<number | null>((newest, tick) => Math.max(newest ?? 0, tick.last), null);
  return {
    scheduler: { running: last !== null && ctx.clock.now() - last < TICK_PATIENCE_MS, last_tick_at: isoOrNull(last), jobs: ticks.map(toScheduledJob) },
    recent_jobs: jobs.map(toJobView),
  };
}

/** @throws AppError NOT_FOUND */
export async function getJob(ctx: OwnerCtx, ref: z.output<typeof AdminJobRef>): Promise<z.input<typeof AdminJobView>> {
  const job = await findJob(ctx, ref.job_id);
  if (!job) throw notFound("Job");
  return toJobView(job);
}
