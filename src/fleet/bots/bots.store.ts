import { and, asc, count, desc, eq, inArray, isNull, isNotNull, lte, sql, type SQL } from "drizzle-orm";
import { botRooms, bots, botShares, pairings } from "../../schema/bots";
import { instances } from "../../schema/instances";
import type { Ctx } from "../../kernel/context";

/** SQL of bots. Every look-up names the tenant, save those that must see all owners (names, Matrix ids) and the reconciler's. */

export type Bot = typeof bots.$inferSelect;
type BotInsert = typeof bots.$inferInsert;

export async function findBot(ctx: Ctx, tenantId: number, botId: string): Promise<Bot | null> {
  return (await ctx.db.select().from(bots).where(and(eq(bots.id, botId), eq(bots.tenantId, tenantId), eq(bots.status, "active"))).limit(1))[0] ?? null;
}

/** Whatever its owner and state: for the reconciler and for effects. */
export async function findBotRow(ctx: Ctx, botId: string): Promise<Bot | null> {
  return (await ctx.db.select().from(bots).where(eq(bots.id, botId)).limit(1))[0] ?? null;
}

/** Whatever its owner and state: names are unique over all owners. */
export async function findBotByUsername(ctx: Ctx, username: string): Promise<Bot | null> {
  return (await ctx.db.select().from(bots).where(eq(bots.username, username)).limit(1))[0] ?? null;
}

/** Active bots among these Matrix ids, of any owner. */
export async function listBotsByMatrixIds(ctx: Ctx, matrixIds: readonly string[]): Promise<Bot[]> {
  if (matrixIds.length === 0) return [];
  const found: Bot[] = [];
  // D1 takes at most 100 parameters.
  for (let i = 0; i < matrixIds.length; i += 90) {
    found.push(...(await ctx.db.select().from(bots).where(and(inArray(bots.matrixId, matrixIds.slice(i, i + 90)), eq(bots.status, "active")))));
  }
  return found;
}

/** Active bots, newest first. */
export function listBotRows(ctx: Ctx, tenantId: number, pairedTo?: string): Promise<Bot[]> {
  const mine = and(eq(bots.tenantId, tenantId), eq(bots.status, "active"));
  return ctx.db.select().from(bots).where(pairedTo === undefined ? mine : and(mine, eq(bots.instanceId, pairedTo))).orderBy(desc(bots.createdAt), asc(bots.id));
}

/** Bots that take a place in the plan: parked ones do not. */
const counted = (tenantId: number) => and(eq(bots.tenantId, tenantId), inArray(bots.status, ["creating", "active"]), isNull(bots.planDisabledAt));

export async function countBots(ctx: Ctx, tenantId: number): Promise<number> {
  const [row] = await ctx.db.select({ n: count() }).from(bots).where(counted(tenantId));
  return row?.n ?? 0;
}

/** Condition for a plan of writes: the cap is kept even if another bot slipped in after we looked. */
export const withinBotCap = (ctx: Ctx, tenantId: number, cap: number): SQL => sql`(${ctx.db.select({ n: count() }).from(bots).where(counted(tenantId))}) <= ${cap}`;

/** Active bots that are on no machine. */
export async function countUnpairedBots(ctx: Ctx, tenantId: number): Promise<number> {
  const [row] = await ctx.db.select({ n: count() }).from(bots).where(and(eq(bots.tenantId, tenantId), eq(bots.status, "active"), isNull(bots.instanceId)));
  return row?.n ?? 0;
}

export const insertBot = (ctx: Ctx, row: BotInsert) => ctx.db.insert(bots).values(row);

const unchanged = (bot: Bot) => and(eq(bots.id, bot.id), eq(bots.tenantId, bot.tenantId), eq(bots.version, bot.version));

/** Guarded by `version`. */
export const updateBotRow = (ctx: Ctx, bot: Bot, changes: Partial<BotInsert>) => ctx.db.update(bots).set({ ...changes, updatedAt: ctx.clock.now(), version: bot.version + 1 }).where(unchanged(bot));

/** Guarded by `version`. */
export const deleteBotRow = (ctx: Ctx, bot: Bot) => ctx.db.delete(bots).where(unchanged(bot));

/** Bots whose homeserver side is due to be looked at, longest waiting first. */
export async function listBotsToSettle(ctx: Ctx, limit: number): Promise<string[]> {
  const rows = await ctx.db.select({ id: bots.id }).from(bots).where(and(isNotNull(bots.settleAt), lte(bots.settleAt, ctx.clock.now()))).orderBy(asc(bots.settleAt)).limit(limit);
  return rows.map((row) => row.id);
}

/** Ends what hangs on a bot that goes: its pairing and its codes. */
export const closePairingsOf = (ctx: Ctx, botId: string, reason: "bot_deleted" | "plan_disabled") =>
  ctx.db
    .update(pairings)
    .set({ status: "closed", closedAt: ctx.clock.now(), closeReason: reason, updatedAt: ctx.clock.now(), version: sql`${pairings.version} + 1` })
    .where(and(eq(pairings.botId, botId), inArray(pairings.status, ["pending", "redeemed"])));

/** Ends a bot's shares. Whose notices are due, the effect `bot.shares_ended` finds by this very time. */
export const endSharesOf = (ctx: Ctx, botId: string, reason: "bot_deleted" | "plan", now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: reason, updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.botId, botId), isNull(botShares.endedAt)));

/** Bots of one chunk of ids that work on: what is about to be parked. */
const working = (tenantId: number, ids: readonly string[]) => and(eq(bots.tenantId, tenantId), inArray(bots.id, [...ids]), eq(bots.status, "active"), isNull(bots.planDisabledAt));

/** The machines that these bots are on get other rosters. */
export const bumpRostersOf = (ctx: Ctx, tenantId: number, ids: readonly string[]) =>
  ctx.db
    .update(instances)
    .set({ rosterSeq: sql`${instances.rosterSeq} + 1` })
    .where(and(eq(instances.tenantId, tenantId), inArray(instances.instanceId, ctx.db.select({ id: sql<string>`${bots.instanceId}` }).from(bots).where(and(working(tenantId, ids), isNotNull(bots.instanceId))))));

export const parkBotRows = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(bots)
    .set({ planDisabledAt: now, instanceId: null, pairingId: null, settleAt: now, settleAttempts: 0, updatedAt: now, version: sql`${bots.version} + 1` })
    .where(working(tenantId, ids));

export const unparkBotRows = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(bots)
    .set({ planDisabledAt: null, matrixState: "unknown", settleAt: now, settleAttempts: 0, updatedAt: now, version: sql`${bots.version} + 1` })
    .where(and(eq(bots.tenantId, tenantId), inArray(bots.id, [...ids]), eq(bots.status, "active"), isNotNull(bots.planDisabledAt)));

/** Pairings and codes of bots that are parked. */
export const closePairingsForPlan = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(pairings)
    .set({ status: "closed", closedAt: now, closeReason: "plan_disabled", updatedAt: now, version: sql`${pairings.version} + 1` })
    .where(and(eq(pairings.tenantId, tenantId), inArray(pairings.botId, [...ids]), inArray(pairings.status, ["pending", "redeemed"])));

/** Shares of bots that are parked. */
export const endSharesOfBots = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: "plan", updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.tenantId, tenantId), inArray(botShares.botId, [...ids]), isNull(botShares.endedAt)));

/** A deleted bot is in no room any more: its account parts them all. */
export const forgetRoomsOf = (ctx: Ctx, botId: string) => ctx.db.delete(botRooms).where(eq(botRooms.botId, botId));

/** The bots of a machine are about to change. */
export const bumpRoster = (ctx: Ctx, tenantId: number, instanceId: string) =>
  ctx.db
    .update(instances)
    .set({ rosterSeq: sql`${instances.rosterSeq} + 1` })
    .where(and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId)));

/**
 * A machine goes: its bots are on no machine any more, and each gets another device, so that settling deletes the one whose token
 * that machine still has.
 */
export const unpairBotsOf = (ctx: Ctx, tenantId: number, instanceId: string) =>
  ctx.db
    .update(bots)
    .set({ instanceId: null, pairingId: null, deviceId: sql`'BC' || hex(randomblob(5))`, sealedToken: null, settleAt: ctx.clock.now(), updatedAt: ctx.clock.now(), version: sql`${bots.version} + 1` })
    .where(and(eq(bots.tenantId, tenantId), eq(bots.instanceId, instanceId)));

/** A machine goes: so do its pairings, and codes that only it could redeem. */
export const closePairingsOfInstance = (ctx: Ctx, tenantId: number, instanceId: string) =>
  ctx.db
    .update(pairings)
    .set({ status: "closed", closedAt: ctx.clock.now(), closeReason: "machine_deleted", updatedAt: ctx.clock.now(), version: sql`${pairings.version} + 1` })
    .where(
      and(
        eq(pairings.tenantId, tenantId),
        sql`((${pairings.status} = 'redeemed' AND ${pairings.instanceId} = ${instanceId}) OR (${pairings.status} = 'pending' AND ${pairings.targetInstanceId} = ${instanceId}))`,
      ),
    );

/** A machine's bots and its roster's sequence, in one statement, so that both are of one moment. Null when the machine is gone. */
export async function readRoster(ctx: Ctx, tenantId: number, instanceId: string) {
  const rows = await ctx.db
    .select({ seq: instances.rosterSeq, bot: bots, pairing: pairings })
    .from(instances)
    .leftJoin(bots, and(eq(bots.tenantId, instances.tenantId), eq(bots.instanceId, instances.instanceId), eq(bots.status, "active"), isNull(bots.planDisabledAt)))
    .leftJoin(pairings, eq(pairings.id, bots.pairingId))
    .where(and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId)));
  const [first] = rows;
  return first ? { seq: first.seq, bots: rows.flatMap(({ bot, pairing }) => (bot ? [{ bot, pairing }] : [])) } : null;
}
