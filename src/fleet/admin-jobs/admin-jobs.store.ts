import { and, asc, desc, eq, gt, inArray, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { adminJobs } from "../../schema/admin";
import type { MatrixStatus } from "./admin-jobs.core";

/** Jobs belong to no tenant; the accounts that they look at are everybody's. */

export type AdminJob = typeof adminJobs.$inferSelect;
type NewAdminJob = typeof adminJobs.$inferInsert;

/** As the partial index has it. */
const open = sql`status IN ('pending', 'running')`;

export async function findJob(ctx: Ctx, id: string): Promise<AdminJob | null> {
  return (await ctx.db.select().from(adminJobs).where(eq(adminJobs.id, id)).limit(1))[0] ?? null;
}

/** The one of its kind that has not ended. */
export async function findOpenJob(ctx: Ctx, kind: AdminJob["kind"]): Promise<AdminJob | null> {
  return (await ctx.db.select().from(adminJobs).where(and(eq(adminJobs.kind, kind), open)).limit(1))[0] ?? null;
}

export const listNewestJobs = (ctx: Ctx, limit: number): Promise<AdminJob[]> => ctx.db.select().from(adminJobs).orderBy(desc(adminJobs.createdAt), desc(adminJobs.id)).limit(limit);

/** Open jobs that have been silent since `since` (ms); at most one a kind. */
export const listSilentJobs = (ctx: Ctx, since: number): Promise<AdminJob[]> => ctx.db.select().from(adminJobs).where(and(open, lte(adminJobs.progressAt, since)));

/** The commit fails on `admin_jobs.kind` while another of its kind is open. */
export const insertJob = (ctx: Ctx, job: NewAdminJob) => ctx.db.insert(adminJobs).values(job);

/** Guarded by `version`. */
export const updateJob = (ctx: Ctx, job: AdminJob, change: Partial<NewAdminJob>) =>
  ctx.db
    .update(adminJobs)
    .set({ ...change, version: job.version + 1 })
    .where(and(eq(adminJobs.id, job.id), eq(adminJobs.version, job.version), open));

/** Why the step that is due did not succeed. Says nothing once somebody else got on with the job. */
export async function noteError(ctx: Ctx, job: AdminJob, error: string): Promise<void> {
  await ctx.db.update(adminJobs).set({ error }).where(and(eq(adminJobs.id, job.id), eq(adminJobs.version, job.version), open));
}

export interface PersonOnMatrix {
  readonly id: number;
  readonly matrixId: string;
  readonly matrixStatus: string | null;
}

/** As the partial index has it. */
const isOnMatrix = sql`matrix_account_created = 1`;

/** People with a Matrix account, by number, after `cursor`. */
export const listPeopleOnMatrix = (ctx: Ctx, cursor: number, limit: number): Promise<PersonOnMatrix[]> =>
  ctx.db.select({ id: users.id, matrixId: users.matrixId, matrixStatus: users.matrixStatus }).from(users).where(and(isOnMatrix, gt(users.id, cursor))).orderBy(asc(users.id)).limit(limit);

export async function countPeopleOnMatrix(ctx: Ctx): Promise<number> {
  const [row] = await ctx.db.select({ n: sql<number>`count(*)` }).from(users).where(isOnMatrix);
  return row?.n ?? 0;
}

/** Of those whose state is still `from`, as it was when the homeserver was asked: what somebody did meanwhile is newer. Never competes with other changes of the account, so it leaves `version` alone. */
export const setMatrixStatus = (ctx: Ctx, ids: readonly number[], from: PersonOnMatrix["matrixStatus"], to: MatrixStatus) =>
  ctx.db.update(users).set({ matrixStatus: to }).where(and(inArray(users.id, [...ids]), sql`${users.matrixStatus} IS ${from}`));

export interface CronTick {
  readonly job: string;
  /** ms */
  readonly last: number;
}

/** The newest tick of every cron job, each found by two look-ups in the key. */
export const listNewestTicks = (ctx: Ctx): Promise<CronTick[]> =>
  ctx.db.all<CronTick>(sql`
    WITH RECURSIVE jobs(job) AS (
      SELECT min(job) FROM cron_runs
      UNION ALL SELECT (SELECT min(job) FROM cron_runs WHERE job > jobs.job) FROM jobs WHERE jobs.job IS NOT NULL
    )
    SELECT job, (SELECT max(scheduled_at) FROM cron_runs r WHERE r.job = jobs.job) AS last FROM jobs WHERE job IS NOT NULL ORDER BY job`);
