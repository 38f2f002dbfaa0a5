import { and, eq, gt, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceSessions, governanceSpentLogins } from "../../schema/governance-auth";

/** Sessions are found by the hash of their cookie only. */
export type Session = typeof governanceSessions.$inferSelect;

/** The session, unless it has ended by `now` (ms). */
export async function findSession(ctx: Ctx, idHash: string, now: number): Promise<Session | undefined> {
  return (await ctx.db.select().from(governanceSessions).where(and(eq(governanceSessions.idHash, idHash), gt(governanceSessions.expiresAt, now))).limit(1))[0];
}

export const insertSession = (ctx: Ctx, session: Session) => ctx.db.insert(governanceSessions).values(session);

export const deleteSession = (ctx: Ctx, idHash: string) => ctx.db.delete(governanceSessions).where(eq(governanceSessions.idHash, idHash));

/** Column of the violated constraint when an attempt led to a session already. */
export const SPENT_LOGIN = "governance_spent_logins.state_hash";

export const insertSpentLogin = (ctx: Ctx, stateHash: string, now: number, expiresAt: number) => ctx.db.insert(governanceSpentLogins).values({ stateHash, createdAt: now, expiresAt });

/** Drops sessions and spent attempts that ended before `before` (ms). */
export async function forgetEndedSessions(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.batch([ctx.db.delete(governanceSessions).where(lt(governanceSessions.expiresAt, before)), ctx.db.delete(governanceSpentLogins).where(lt(governanceSpentLogins.expiresAt, before))]);
}
