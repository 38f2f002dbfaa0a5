import { and, eq, gt, isNotNull, isNull, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceDeviceGrants } from "../../schema/governance-auth";

/** A grant belongs to whoever holds its device code. */
export type DeviceGrant = typeof governanceDeviceGrants.$inferSelect;

/** Column of the violated constraint when a code is shown already. */
export const USER_CODE = "governance_device_grants.user_code";

export const insertGrant = (ctx: Ctx, grant: typeof governanceDeviceGrants.$inferInsert) => ctx.db.insert(governanceDeviceGrants).values(grant);

export async function findGrant(ctx: Ctx, codeHash: string): Promise<DeviceGrant | undefined> {
  return (await ctx.db.select().from(governanceDeviceGrants).where(eq(governanceDeviceGrants.codeHash, codeHash)).limit(1))[0];
}

/** The grant with this user code, unless it has ended by `now` (ms). */
export async function findGrantByUserCode(ctx: Ctx, userCode: string, now: number): Promise<DeviceGrant | undefined> {
  return (await ctx.db.select().from(governanceDeviceGrants).where(and(eq(governanceDeviceGrants.userCode, userCode), gt(governanceDeviceGrants.expiresAt, now))).limit(1))[0];
}

/** For guarded use: one person confirms. */
export const approveGrant = (ctx: Ctx, codeHash: string, approvedBy: string, now: number) =>
  ctx.db
    .update(governanceDeviceGrants)
    .set({ approvedBy, approvedAt: now })
    .where(and(eq(governanceDeviceGrants.codeHash, codeHash), isNull(governanceDeviceGrants.approvedAt), gt(governanceDeviceGrants.expiresAt, now)));

/** For guarded use: one poll gets the token. */
export const markDelivered = (ctx: Ctx, codeHash: string, now: number) =>
  ctx.db
    .update(governanceDeviceGrants)
    .set({ deliveredAt: now })
    .where(and(eq(governanceDeviceGrants.codeHash, codeHash), isNotNull(governanceDeviceGrants.approvedAt), isNull(governanceDeviceGrants.deliveredAt), gt(governanceDeviceGrants.expiresAt, now)));

/** Drops grants that ended before `before` (ms). */
export async function forgetEndedGrants(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(governanceDeviceGrants).where(lt(governanceDeviceGrants.expiresAt, before));
}
