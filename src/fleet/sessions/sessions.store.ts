import { and, count, desc, eq, gt, isNull, lt, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { sessions, users } from "../../schema/accounts";

export type Session = typeof sessions.$inferSelect;

export interface NewSession {
  readonly tenantId: number;
  readonly refreshHash: string;
  readonly deviceName: string | null;
  readonly platform: string | null;
  readonly ipAddress: string;
  readonly userAgent: string | null;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly expiresAt: number;
}

/** Answers `[{id}]` from the commit. */
export const insertSession = (ctx: Ctx, session: NewSession) => ctx.db.insert(sessions).values(session).returning({ id: sessions.id });

/** Condition of a commit: the account is active, and nobody ended its sessions since it was read. */
export const isStillOpen = ({ id, tokenEpoch }: { readonly id: number; readonly tokenEpoch: number }): SQL =>
  sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${id} AND ${users.status} = 'active' AND ${users.tokenEpoch} = ${tokenEpoch})`;

/** The session a refresh token stands for. The token itself is the proof, so no owner is known yet. */
export async function findSessionByRefreshHash(ctx: Ctx, refreshHash: string): Promise<Session | undefined> {
  return (await ctx.db.select().from(sessions).where(eq(sessions.refreshHash, refreshHash)).limit(1))[0];
}

export async function findSession(ctx: Ctx, tenantId: number, id: number): Promise<Session | undefined> {
  return (await ctx.db.select().from(sessions).where(and(eq(sessions.tenantId, tenantId), eq(sessions.id, id))).limit(1))[0];
}

/** Sessions that can still refresh, last seen first. */
export function listLiveSessions(ctx: Ctx, tenantId: number, nowMs: number): Promise<Session[]> {
  return ctx.db
    .select()
    .from(sessions)
    .where(and(eq(sessions.tenantId, tenantId), isNull(sessions.revokedAt), gt(sessions.expiresAt, nowMs)))
    .orderBy(desc(sessions.lastSeenAt), desc(sessions.id));
}

/** Sessions that still exist, ended ones too, newest first. */
export function listSessionRows(ctx: Ctx, tenantId: number, limit: number): Promise<Session[]> {
  return ctx.db.select().from(sessions).where(eq(sessions.tenantId, tenantId)).orderBy(desc(sessions.id)).limit(limit);
}

/** Guarded: misses when the session was revoked in between. */
export const touchSession = (ctx: Ctx, session: Session, nowMs: number) =>
  ctx.db
    .update(sessions)
    .set({ lastSeenAt: nowMs, ipAddress: ctx.client.ip })
    .where(and(eq(sessions.tenantId, session.tenantId), eq(sessions.id, session.id), isNull(sessions.revokedAt)));

/** Revokes the named sessions of this owner; those already revoked keep their time. */
export const revokeSessions = (ctx: Ctx, tenantId: number, named: { readonly ids: readonly number[]; readonly refreshHash: string | null }, nowMs: number) =>
  ctx.db
    .update(sessions)
    .set({ revokedAt: nowMs })
    .where(
      and(
        eq(sessions.tenantId, tenantId),
        isNull(sessions.revokedAt),
        or(...named.ids.map((id) => eq(sessions.id, id)), ...(named.refreshHash === null ? [] : [eq(sessions.refreshHash, named.refreshHash)])),
      ),
    );

/** Every session of an owner; answers the ids of those that were live. */
export const revokeAllSessionRows = (ctx: Ctx, tenantId: number, nowMs: number) =>
  ctx.db
    .update(sessions)
    .set({ revokedAt: nowMs })
    .where(and(eq(sessions.tenantId, tenantId), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });

/** Whether a person signed in before, and on such a device. */
export async function findDeviceHistory(ctx: Ctx, tenantId: number, device: { readonly name: string | null; readonly platform: string | null }): Promise<{ readonly signedInBefore: boolean; readonly deviceKnown: boolean }> {
  const same = sql<number>`coalesce(sum(${sessions.deviceName} IS ${device.name} AND ${sessions.platform} IS ${device.platform}), 0)`;
  const [row] = await ctx.db.select({ all: count(), same }).from(sessions).where(eq(sessions.tenantId, tenantId));
  return { signedInBefore: (row?.all ?? 0) > 0, deviceKnown: (row?.same ?? 0) > 0 };
}

/** Drops sessions that ended before `before` (ms), by time or by hand. Until then they tell a known device from a new one. */
export async function forgetEndedSessions(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(sessions).where(or(lt(sessions.expiresAt, before), lt(sessions.revokedAt, before)));
}
