import { and, asc, count, desc, eq, gt, isNull, lt, ne, or, sql, type SQL } from "drizzle-orm";
import { bots, pairings } from "../../schema/bots";
import { instances } from "../../schema/instances";
import type { Ctx } from "../../kernel/context";

/** SQL of pairings. Every look-up names the tenant, save the one by which whoever holds a code finds it. */

export type Pairing = typeof pairings.$inferSelect;
type PairingInsert = typeof pairings.$inferInsert;
type Bot = typeof bots.$inferSelect;

/** Codes that wait at once are few: one per bot, ten minutes each. */
const WAITING_MAX = 200;
/** Most machines that hear of one code. */
const MACHINES_MAX = 200;

/** Context string that binds a sealed code to its row. */
export const pairCodeSealContext = (pairingId: string): string => `pairing:${pairingId}`;

/** The pairing behind a code, whoever asks: the code is the credential. */
export async function findPairingByCode(ctx: Ctx, codeHash: string): Promise<{ readonly pairing: Pairing; readonly bot: Bot } | null> {
  const [row] = await ctx.db.select({ pairing: pairings, bot: bots }).from(pairings).innerJoin(bots, eq(bots.id, pairings.botId)).where(eq(pairings.codeHash, codeHash)).limit(1);
  return row ?? null;
}

export async function findOwnPairingByCode(ctx: Ctx, tenantId: number, codeHash: string): Promise<Pairing | null> {
  return (await ctx.db.select().from(pairings).where(and(eq(pairings.codeHash, codeHash), eq(pairings.tenantId, tenantId))).limit(1))[0] ?? null;
}

export async function findPairing(ctx: Ctx, tenantId: number, pairingId: string): Promise<Pairing | null> {
  return (await ctx.db.select().from(pairings).where(and(eq(pairings.id, pairingId), eq(pairings.tenantId, tenantId))).limit(1))[0] ?? null;
}

/** Whatever its owner: for effects. */
export async function findPairingRow(ctx: Ctx, pairingId: string): Promise<{ readonly pairing: Pairing; readonly bot: Bot } | null> {
  const [row] = await ctx.db.select({ pairing: pairings, bot: bots }).from(pairings).innerJoin(bots, eq(bots.id, pairings.botId)).where(eq(pairings.id, pairingId)).limit(1);
  return row ?? null;
}

/** The machine that had the bot last, also when the bot is on none now. */
export async function findLastMachine(ctx: Ctx, tenantId: number, botId: string): Promise<string | null> {
  const [row] = await ctx.db
    .select({ instanceId: pairings.instanceId })
    .from(pairings)
    .where(and(eq(pairings.tenantId, tenantId), eq(pairings.botId, botId), gt(pairings.redeemedAt, 0)))
    .orderBy(desc(pairings.redeemedAt))
    .limit(1);
  return row?.instanceId ?? null;
}

/** A code that waits, with what its owner's machines are told of its bot. */
export interface WaitingPairing {
  readonly pairing: Pairing;
  readonly bot: Bot;
  /** How many machines the owner has, without archived and parked ones. */
  readonly machineCount: number;
}

/** Machines that a bot may be on. */
const active = (tenantId: number) => and(eq(instances.tenantId, tenantId), isNull(instances.archivedAt), isNull(instances.planDisabledAt));

/** Codes that can be redeemed at `now`, newest first. */
export function listWaitingPairings(ctx: Ctx, tenantId: number, now: number): Promise<WaitingPairing[]> {
  const machineCount = sql<number>`(${ctx.db.select({ n: count() }).from(instances).where(active(tenantId))})`;
  return ctx.db
    .select({ pairing: pairings, bot: bots, machineCount })
    .from(pairings)
    .innerJoin(bots, eq(bots.id, pairings.botId))
    .where(and(eq(pairings.tenantId, tenantId), eq(pairings.status, "pending"), gt(pairings.expiresAt, now), eq(bots.status, "active"), isNull(bots.planDisabledAt)))
    .orderBy(desc(pairings.createdAt), asc(pairings.id))
    .limit(WAITING_MAX);
}

/** A bot's newest code that can be redeemed at `now`. */
export async function findWaitingPairing(ctx: Ctx, tenantId: number, botId: string, now: number): Promise<Pairing | null> {
  const waiting = and(eq(pairings.tenantId, tenantId), eq(pairings.botId, botId), eq(pairings.status, "pending"), gt(pairings.expiresAt, now));
  return (await ctx.db.select().from(pairings).where(waiting).orderBy(desc(pairings.createdAt)).limit(1))[0] ?? null;
}

/** The owner's machines that a bot may be on, oldest first. */
export async function listMachineIds(ctx: Ctx, tenantId: number, limit = MACHINES_MAX): Promise<string[]> {
  const rows = await ctx.db.select({ instanceId: instances.instanceId }).from(instances).where(active(tenantId)).orderBy(asc(instances.createdAt), asc(instances.id)).limit(limit);
  return rows.map((row) => row.instanceId);
}

/** Whether this is a machine of the owner that a bot may be on. */
export async function isMachine(ctx: Ctx, tenantId: number, instanceId: string): Promise<boolean> {
  return (await ctx.db.select({ id: instances.id }).from(instances).where(and(active(tenantId), eq(instances.instanceId, instanceId))).limit(1)).length > 0;
}

/** Condition for a plan of writes: the machine is still there. */
export const machineIsThere = (ctx: Ctx, tenantId: number, instanceId: string): SQL =>
  sql`EXISTS ${ctx.db.select({ id: instances.id }).from(instances).where(and(active(tenantId), eq(instances.instanceId, instanceId)))}`;

/** Condition for a plan of writes: the bot can still be used. */
export const botIsUsable = (ctx: Ctx, tenantId: number, botId: string): SQL =>
  sql`EXISTS ${ctx.db.select({ id: bots.id }).from(bots).where(and(eq(bots.id, botId), eq(bots.tenantId, tenantId), eq(bots.status, "active"), isNull(bots.planDisabledAt)))}`;

export const insertPairing = (ctx: Ctx, row: PairingInsert) => ctx.db.insert(pairings).values(row);

/** Guarded by `version`. */
export const updatePairing = (ctx: Ctx, pairing: Pairing, changes: Partial<PairingInsert>) =>
  ctx.db
    .update(pairings)
    .set({ ...changes, updatedAt: ctx.clock.now(), version: pairing.version + 1 })
    .where(and(eq(pairings.id, pairing.id), eq(pairings.tenantId, pairing.tenantId), eq(pairings.version, pairing.version)));

const closed = (ctx: Ctx, reason: NonNullable<Pairing["closeReason"]>) => ({
  status: "closed" as const,
  closedAt: ctx.clock.now(),
  closeReason: reason,
  updatedAt: ctx.clock.now(),
  version: sql`${pairings.version} + 1`,
});

/** A newer code makes the bot's older ones worthless. */
export const supersedeCodes = (ctx: Ctx, tenantId: number, botId: string) =>
  ctx.db
    .update(pairings)
    .set(closed(ctx, "superseded"))
    .where(and(eq(pairings.tenantId, tenantId), eq(pairings.botId, botId), eq(pairings.status, "pending")));

/** A bot is on one machine: what it had before `pairing` ends. */
export const closeEarlierPairings = (ctx: Ctx, pairing: Pairing, reason: "repaired_elsewhere" | "superseded") =>
  ctx.db
    .update(pairings)
    .set(closed(ctx, reason))
    .where(and(eq(pairings.tenantId, pairing.tenantId), eq(pairings.botId, pairing.botId), eq(pairings.status, "redeemed"), ne(pairings.id, pairing.id)));

/**
 * Drops codes that were over before `before` (ms). Which machine had a bot last stays known, even when the bot is on none now:
 * whoever redeems next elsewhere must not share its device.
 */
export async function forgetEndedPairings(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(pairings).where(
    and(
      or(and(eq(pairings.status, "closed"), lt(pairings.closedAt, before)), and(eq(pairings.status, "pending"), lt(pairings.expiresAt, before))),
      sql`NOT EXISTS (SELECT 1 FROM ${bots} AS b WHERE b.pairing_id = ${pairings.id})`,
      or(
        isNull(pairings.redeemedAt),
        sql`NOT EXISTS (SELECT 1 FROM ${bots} AS b WHERE b.id = ${pairings.botId} AND b.status = 'active')`,
        sql`EXISTS (SELECT 1 FROM ${pairings} AS newer WHERE newer.bot_id = ${pairings.botId} AND newer.redeemed_at > ${pairings.redeemedAt})`,
      ),
    ),
  );
}
