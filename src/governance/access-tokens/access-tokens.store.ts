import { and, desc, eq, gt, isNull, lt, or } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceAccessTokens } from "../../schema/governance-auth";

/** Tokens belong to the organisation: every operator sees all of them. */
export type AccessToken = typeof governanceAccessTokens.$inferSelect;

/** More than an organisation has; the oldest beyond are not shown. */
const LIST_MAX = 5_000;

/** Newest first. */
export const listTokenRows = (ctx: Ctx): Promise<AccessToken[]> => ctx.db.select().from(governanceAccessTokens).orderBy(desc(governanceAccessTokens.createdAt), desc(governanceAccessTokens.id)).limit(LIST_MAX);

export async function findToken(ctx: Ctx, id: string): Promise<AccessToken | undefined> {
  return (await ctx.db.select().from(governanceAccessTokens).where(eq(governanceAccessTokens.id, id)).limit(1))[0];
}

/** The token with this hash, unless it has ended by `now` (ms). */
export async function findLiveToken(ctx: Ctx, tokenHash: string, now: number): Promise<AccessToken | undefined> {
  const lives = or(isNull(governanceAccessTokens.expiresAt), gt(governanceAccessTokens.expiresAt, now));
  return (await ctx.db.select().from(governanceAccessTokens).where(and(eq(governanceAccessTokens.tokenHash, tokenHash), lives)).limit(1))[0];
}

export const insertToken = (ctx: Ctx, row: typeof governanceAccessTokens.$inferInsert) => ctx.db.insert(governanceAccessTokens).values(row);

/** For guarded use: misses when it is gone. */
export const deleteTokenRow = (ctx: Ctx, id: string) => ctx.db.delete(governanceAccessTokens).where(eq(governanceAccessTokens.id, id));

/** Never moves the time back. */
export async function noteUse(ctx: Ctx, id: string, now: number): Promise<void> {
  await ctx.db
    .update(governanceAccessTokens)
    .set({ lastUsedAt: now })
    .where(and(eq(governanceAccessTokens.id, id), or(isNull(governanceAccessTokens.lastUsedAt), lt(governanceAccessTokens.lastUsedAt, now))));
}
