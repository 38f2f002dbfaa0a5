import { and, desc, eq, inArray, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { compatRuns } from "../../schema/admin";

/** Runs belong to no tenant. */
export type CompatRun = typeof compatRuns.$inferSelect;
type NewCompatRun = typeof compatRuns.$inferInsert;

interface RunFilter {
  readonly openclawVersion?: string | undefined;
  readonly runtime?: string | undefined;
}

const matching = ({ openclawVersion, runtime }: RunFilter) => and(openclawVersion === undefined ? undefined : eq(compatRuns.openclawVersion, openclawVersion), runtime === undefined ? undefined : eq(compatRuns.runtime, runtime));

/** Newest first. */
export const listRuns = (ctx: Ctx, filter: RunFilter, limit: number): Promise<CompatRun[]> => ctx.db.select().from(compatRuns).where(matching(filter)).orderBy(desc(compatRuns.startedAt), desc(compatRuns.id)).limit(limit);

export async function findRun(ctx: Ctx, id: number): Promise<CompatRun | undefined> {
  return (await ctx.db.select().from(compatRuns).where(eq(compatRuns.id, id)).limit(1))[0];
}

/** The run that a report is about. */
export async function findRunByKey(ctx: Ctx, key: Pick<CompatRun, "openclawVersion" | "startedAt" | "runtime">): Promise<CompatRun | undefined> {
  const { openclawVersion, startedAt, runtime } = key;
  return (await ctx.db.select().from(compatRuns).where(and(eq(compatRuns.openclawVersion, openclawVersion), eq(compatRuns.startedAt, startedAt), eq(compatRuns.runtime, runtime))).limit(1))[0];
}

/** Answers the row from the commit, which fails on `compat_runs.started_at` when the run is there. */
export const insertRun = (ctx: Ctx, run: NewCompatRun) => ctx.db.insert(compatRuns).values(run).returning();

const asRead = (run: CompatRun) => and(eq(compatRuns.id, run.id), eq(compatRuns.version, run.version));

/** For guarded use: misses when the run changed in between. */
export const updateRun = (ctx: Ctx, run: CompatRun, change: Partial<NewCompatRun>) => ctx.db.update(compatRuns).set({ ...change, version: run.version + 1 }).where(asRead(run));

/** For guarded use, like {@link updateRun}. */
export const deleteRunRow = (ctx: Ctx, run: CompatRun) => ctx.db.delete(compatRuns).where(asRead(run));

/** Ids of a version's runs, newest first. */
export async function listRunIds(ctx: Ctx, openclawVersion: string, limit: number): Promise<number[]> {
  const rows = await ctx.db.select({ id: compatRuns.id }).from(compatRuns).where(eq(compatRuns.openclawVersion, openclawVersion)).orderBy(desc(compatRuns.startedAt), desc(compatRuns.id)).limit(limit);
  return rows.map((row) => row.id);
}

/** One chunk of ids. */
export const deleteRunRows = (ctx: Ctx, ids: readonly number[]) => ctx.db.delete(compatRuns).where(inArray(compatRuns.id, [...ids]));

/** Condition for a plan of writes: the one before hit just as many rows. */
export const hasChanged = (rows: number) => sql`changes() = ${rows}`;
