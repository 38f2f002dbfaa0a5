import { and, count, desc, eq, gt, inArray, isNull, ne, notInArray, or } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind, type Cursor } from "../../kernel/db/cursor";
import { cliTokens } from "../../schema/accounts";
import { cloudVms, reconcileFindings } from "../../schema/cloud-vms";
import { idleTokenKeys, resealRuns } from "../../schema/kernel";

export type ResealRun = typeof resealRuns.$inferSelect;

/** Fails on the index `reseal_runs_running` while another one runs. */
export const insertRun = (ctx: Ctx, run: ResealRun) => ctx.db.insert(resealRuns).values(run);

export async function findRun(ctx: Ctx, id: string): Promise<ResealRun | undefined> {
  return (await ctx.db.select().from(resealRuns).where(eq(resealRuns.id, id)).limit(1))[0];
}

export async function findRunning(ctx: Ctx): Promise<ResealRun | undefined> {
  return (await ctx.db.select().from(resealRuns).where(eq(resealRuns.state, "running")).limit(1))[0];
}

/** Newest first. */
export const selectResealRuns = (ctx: Ctx, after: Cursor | null, limit: number): Promise<ResealRun[]> =>
  ctx.db
    .select()
    .from(resealRuns)
    .where(behind(resealRuns.createdAt, resealRuns.id, after))
    .orderBy(desc(resealRuns.createdAt), desc(resealRuns.id))
    .limit(limit);

/** For guarded use: misses when another delivery went on from here. */
export const updateRun = (ctx: Ctx, run: ResealRun, change: Partial<ResealRun>, nowMs: number) =>
  ctx.db
    .update(resealRuns)
    .set({ ...change, updatedAt: nowMs, version: run.version + 1 })
    .where(and(eq(resealRuns.id, run.id), eq(resealRuns.version, run.version), eq(resealRuns.state, "running")));

/** CLI tokens that live, of every owner, by the key that signed them; null for those from before that was kept. */
export const countTokensByKey = (ctx: Ctx, nowMs: number) =>
  ctx.db
    .select({ keyId: cliTokens.keyId, count: count() })
    .from(cliTokens)
    .where(and(isNull(cliTokens.revokedAt), or(isNull(cliTokens.expiresAt), gt(cliTokens.expiresAt, nowMs))))
    .groupBy(cliTokens.keyId);

/**
 * Names of computers that only their signature tells to be ours, or soon will: of machines that are not destroyed, and of computers
 * without one that the reconciler found. And whether the provider is silent, so that there may be more.
 */
export async function readComputerTags(ctx: Ctx): Promise<{ readonly tags: readonly string[]; readonly isProviderSilent: boolean }> {
  const [machines, findings] = await ctx.db.batch([
    ctx.db.select({ tag: cloudVms.tag }).from(cloudVms).where(ne(cloudVms.status, "destroyed")),
    ctx.db
      .select({ kind: reconcileFindings.kind, detail: reconcileFindings.detail })
      .from(reconcileFindings)
      .where(and(isNull(reconcileFindings.resolvedAt), inArray(reconcileFindings.kind, ["orphan_computer", "duplicate_computer", "provider_unreachable"]))),
  ]);
  const stray = findings.flatMap(({ detail: { name } }) => (typeof name === "string" ? [name] : []));
  return { tags: [...machines.map(({ tag }) => tag), ...stray], isProviderSilent: findings.some(({ kind }) => kind === "provider_unreachable") };
}

/** Since when each key of `TOKEN_KEYS` rests that is not the newest (ms). */
export async function readIdleTokenKeys(ctx: Ctx): Promise<ReadonlyMap<string, number>> {
  return new Map((await ctx.db.select().from(idleTokenKeys)).map(({ keyId, since }) => [keyId, since]));
}

/** Notes which keys rest now. One that is in use again, or gone from the ring, begins anew. */
export async function noteIdleTokenKeys(ctx: Ctx, ids: readonly string[], nowMs: number): Promise<void> {
  await ctx.db.batch([
    ctx.db.delete(idleTokenKeys).where(notInArray(idleTokenKeys.keyId, [...ids])),
    ...ids.map((keyId) => ctx.db.insert(idleTokenKeys).values({ keyId, since: nowMs }).onConflictDoNothing()),
  ]);
}
