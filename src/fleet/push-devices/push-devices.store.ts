import { and, desc, eq, notInArray, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { pushDevices } from "../../schema/devices";

export type PushDevice = typeof pushDevices.$inferSelect;

/** What a registration says about a device. */
export type NewPushDevice = Pick<PushDevice, "tenantId" | "deviceToken" | "environment" | "platform" | "appId" | "deviceName" | "appVersion">;

/** A device as a gateway names it. */
export interface DeviceAddress {
  readonly appId: string;
  readonly deviceToken: string;
}

const ofOwner = (tenantId: number, id: number) => and(eq(pushDevices.tenantId, tenantId), eq(pushDevices.id, id));

/** Whoever's it is: a token names one phone, and registration moves it. */
export async function findDeviceByToken(ctx: Ctx, deviceToken: string): Promise<PushDevice | undefined> {
  return (await ctx.db.select().from(pushDevices).where(eq(pushDevices.deviceToken, deviceToken)).limit(1))[0];
}

export async function findDevice(ctx: Ctx, tenantId: number, id: number): Promise<PushDevice | undefined> {
  return (await ctx.db.select().from(pushDevices).where(ofOwner(tenantId, id)).limit(1))[0];
}

/** Devices of an owner, the one registered last first. */
export function listDeviceRows(ctx: Ctx, tenantId: number): Promise<PushDevice[]> {
  return ctx.db.select().from(pushDevices).where(eq(pushDevices.tenantId, tenantId)).orderBy(desc(pushDevices.updatedAt), desc(pushDevices.id));
}

/** {@link listDeviceRows}, those that may be notified. */
export function listActiveDevices(ctx: Ctx, tenantId: number): Promise<PushDevice[]> {
  return ctx.db
    .select()
    .from(pushDevices)
    .where(and(eq(pushDevices.tenantId, tenantId), eq(pushDevices.isActive, true)))
    .orderBy(desc(pushDevices.updatedAt), desc(pushDevices.id));
}

/** One row a token, whoever had it; answers `[{id}]` from the commit. A row that changes hands is a new one to its new owner. */
export const upsertDevice = (ctx: Ctx, device: NewPushDevice, nowMs: number) =>
  ctx.db
    .insert(pushDevices)
    .values({ ...device, isActive: true, lastUsedAt: nowMs, createdAt: nowMs, updatedAt: nowMs })
    .onConflictDoUpdate({
      target: pushDevices.deviceToken,
      set: {
        ...device,
        isActive: true,
        lastUsedAt: nowMs,
        createdAt: sql`CASE WHEN ${pushDevices.tenantId} = ${device.tenantId} THEN ${pushDevices.createdAt} ELSE ${nowMs} END`,
        updatedAt: nowMs,
        version: sql`${pushDevices.version} + 1`,
      },
    })
    .returning({ id: pushDevices.id });

/** Forgets all but the `keep` devices registered last. */
export const pruneDevices = (ctx: Ctx, tenantId: number, keep: number) =>
  ctx.db.delete(pushDevices).where(
    and(
      eq(pushDevices.tenantId, tenantId),
      notInArray(
        pushDevices.id,
        ctx.db.select({ id: pushDevices.id }).from(pushDevices).where(eq(pushDevices.tenantId, tenantId)).orderBy(desc(pushDevices.updatedAt), desc(pushDevices.id)).limit(keep),
      ),
    ),
  );

/** Guarded: misses when the device went to somebody else in between. */
export const deleteDeviceRow = (ctx: Ctx, device: PushDevice) => ctx.db.delete(pushDevices).where(ofOwner(device.tenantId, device.id));

/** Guarded by `version`: a registration in between wins. */
export const markInactive = (ctx: Ctx, device: PushDevice, nowMs: number) =>
  ctx.db
    .update(pushDevices)
    .set({ isActive: false, updatedAt: nowMs, version: device.version + 1 })
    .where(and(ofOwner(device.tenantId, device.id), eq(pushDevices.version, device.version)));

/** Nobody is notified any more: the account ended. */
export const deactivateEveryDevice = (ctx: Ctx, tenantId: number, nowMs: number) =>
  ctx.db
    .update(pushDevices)
    .set({ isActive: false, updatedAt: nowMs, version: sql`${pushDevices.version} + 1` })
    .where(and(eq(pushDevices.tenantId, tenantId), eq(pushDevices.isActive, true)));

export const markUsed = (ctx: Ctx, device: PushDevice, nowMs: number) => ctx.db.update(pushDevices).set({ lastUsedAt: nowMs }).where(ofOwner(device.tenantId, device.id));

/** Active devices with these addresses, whoever owns them: a gateway knows no owners. One parameter, however many there are. */
export function listDevicesByAddress(ctx: Ctx, addresses: readonly DeviceAddress[]): Promise<PushDevice[]> {
  const wanted = JSON.stringify(addresses.map(({ appId, deviceToken }) => [appId, deviceToken]));
  return ctx.db
    .select()
    .from(pushDevices)
    .where(and(eq(pushDevices.isActive, true), sql`(${pushDevices.appId}, ${pushDevices.deviceToken}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${wanted}))`));
}
