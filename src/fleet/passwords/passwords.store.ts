import { and, eq, inArray, lt, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { passwordTries } from "../../schema/accounts";
import { FIRST_LOCK_MS, FREE_TRIES, LOCK_DOUBLINGS, TRIES_KEPT_MS } from "./passwords.core";

/**
 * Counts one try as if it were wrong, and locks the name when it is one too many; nothing is counted while it is locked. Counting
 * before comparing keeps parallel guesses within the limit.
 * @returns whether the try may go on
 */
export async function countTry(ctx: Ctx, key: string, nowMs: number): Promise<boolean> {
  const failures = sql`(CASE WHEN ${passwordTries.updatedAt} < ${nowMs - TRIES_KEPT_MS} THEN 1 ELSE ${passwordTries.failures} + 1 END)`;
  // passwords.core's lockMsAfter, in SQL.
  const lockedUntil = sql`CASE WHEN ${failures} < ${FREE_TRIES} THEN 0 ELSE ${nowMs} + (${FIRST_LOCK_MS} << min(${failures} - ${FREE_TRIES}, ${LOCK_DOUBLINGS})) END`;
  const counted = await ctx.db
    .insert(passwordTries)
    .values({ key, failures: 1, lockedUntil: 0, updatedAt: nowMs })
    .onConflictDoUpdate({ target: passwordTries.key, set: { failures, lockedUntil, updatedAt: nowMs }, setWhere: lte(passwordTries.lockedUntil, nowMs) })
    .returning({ key: passwordTries.key });
  return counted.length > 0;
}

export async function findLockEnd(ctx: Ctx, key: string): Promise<number | null> {
  const [row] = await ctx.db.select({ lockedUntil: passwordTries.lockedUntil }).from(passwordTries).where(eq(passwordTries.key, key)).limit(1);
  return row?.lockedUntil ?? null;
}

/** After the right password. */
export const forgetTries = (ctx: Ctx, keys: readonly string[]) => ctx.db.delete(passwordTries).where(inArray(passwordTries.key, [...keys]));

/** Drops what no longer counts. */
export async function forgetOldTries(ctx: Ctx, nowMs: number): Promise<void> {
  await ctx.db.delete(passwordTries).where(and(lt(passwordTries.updatedAt, nowMs - TRIES_KEPT_MS), lt(passwordTries.lockedUntil, nowMs)));
}
