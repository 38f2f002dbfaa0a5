import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { LATE_EFFECT_MS, listKnownRooms, watchDeletion } from "../bot-rooms";
import { listBotsByMatrixIds, SAGA_LEASE_MS, SETTLE_LOUD_ATTEMPTS } from "../bots";
import { findBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { deleteGroup, findGroupRow, updateGroup, type Group } from "./cross-bot.store";

/** Rooms whose marker is asked for at the same time. */
const ASKED_AT_ONCE = 6;

/**
 * The reconciler's work on a group that nobody finished (docs/design/bots.md): its room is found, every bot leaves it, it is deleted.
 * A room that is not there yet may come late, so it is looked for until that is out of the question. Harmless when repeated. Does
 * nothing while somebody else works on it, or without a homeserver. What fails stays due for the next tick.
 */
export async function settleGroup(ctx: Ctx, id: string): Promise<void> {
  const home = findBotHomeserver(ctx);
  const claimed = home && (await claim(ctx, id));
  if (!home || !claimed) return;
  try {
    await settle(ctx, home, claimed);
  } catch (error) {
    if (error instanceof LostUpdateError) return;
    const loud = claimed.settleAttempts >= SETTLE_LOUD_ATTEMPTS;
    ctx.log[loud ? "error" : "warn"]("a group could not be settled", { event: "bot_group.settle.failed", group_id: id, attempts: claimed.settleAttempts, ...describeCause(error) });
    await new Plan(ctx).write(updateGroup(ctx, claimed, { settleAt: ctx.clock.now() })).commit();
  }
}

/** A saga that broke off is given up by the very claim. */
async function claim(ctx: Ctx, id: string): Promise<Group | null> {
  const group = await findGroupRow(ctx, id);
  const now = ctx.clock.now();
  if (!group || group.settleAt === null || group.settleAt > now) return null;
  const changes = { state: "abandoned" as const, updatedAt: group.state === "creating" ? now : group.updatedAt, settleAt: now + SAGA_LEASE_MS, settleAttempts: group.settleAttempts + 1 };
  try {
    await new Plan(ctx).guarded(updateGroup(ctx, group, changes)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
  return { ...group, ...changes, version: group.version + 1 };
}

async function settle(ctx: Ctx, home: BotHomeserver, group: Group): Promise<void> {
  const roomId = group.roomId ?? (await findRoomOf(ctx, home, group));
  const lastLookAt = group.updatedAt + LATE_EFFECT_MS;
  if (roomId === null && ctx.clock.now() < lastLookAt) {
    await new Plan(ctx).guarded(updateGroup(ctx, group, { settleAt: lastLookAt, settleAttempts: 0 })).commit();
    return;
  }
  const plan = new Plan(ctx).guarded(deleteGroup(ctx, group));
  if (roomId !== null) {
    await endRoom(ctx, home, group, roomId);
    plan.write(watchDeletion(ctx, roomId, ctx.clock.now() + LATE_EFFECT_MS));
  }
  await plan
    .audit({ action: "bot_group.undo", tenantId: group.tenantId, subject: { type: "room", id: roomId ?? "none" }, detail: { group_id: group.id } })
    .commit();
}

/** Its bots go by themselves, since none may send the others away; the room itself goes by the administrator's hand. */
async function endRoom(ctx: Ctx, home: BotHomeserver, group: Group, roomId: string): Promise<void> {
  const bots = await listBotsByMatrixIds(ctx, [group.botMatrixId, ...group.members]);
  const acts = await Promise.all(bots.map((bot) => home.bots.leave(bot.matrixId, roomId)));
  if (acts.includes("refused")) throw new AppError("MATRIX_UNAVAILABLE", "The homeserver does not let every bot leave.");
  if (await home.admin.findRoom(roomId)) await home.admin.deleteRoom(roomId, { block: false, purge: true });
}

/** The room that carries this group's marker; null when there is none (yet). */
async function findRoomOf(ctx: Ctx, home: BotHomeserver, group: Group): Promise<string | null> {
  const joined = await home.bots.joinedRooms(group.botMatrixId);
  const known = await listKnownRooms(ctx, group.botMatrixId, joined);
  const unknown = joined.filter((roomId) => !known.has(roomId));
  for (let i = 0; i < unknown.length; i += ASKED_AT_ONCE) {
    const some = unknown.slice(i, i + ASKED_AT_ONCE);
    const markers = await Promise.all(some.map((roomId) => home.bots.findMarker(group.botMatrixId, roomId)));
    const found = some[markers.indexOf(group.id)];
    if (found !== undefined) return found;
  }
  return null;
}
