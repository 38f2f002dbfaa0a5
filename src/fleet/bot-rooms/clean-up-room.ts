import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { describeCause } from "../../kernel/logging/logger";
import { listBotsByMatrixIds, SAGA_LEASE_MS, SETTLE_LOUD_ATTEMPTS } from "../bots";
import { findBotHomeserver, requireBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { judgeRoom, LATE_EFFECT_MS, type CleanupVerdict } from "./bot-rooms.core";
import { deleteCleanup, deleteGroupRows, deleteRoomRows, findCleanup, listOwnersOfRoom, releaseCleanup, takeCleanup, watchDeletion } from "./cleanups.store";

export interface RoomCleanupAnswer {
  readonly success: true;
  readonly deleted: boolean;
  readonly reason: "not_managed" | "humans_present" | "room_gone" | "in_progress" | null;
}

const answer = (deleted: boolean, reason: RoomCleanupAnswer["reason"]): RoomCleanupAnswer => ({ success: true, deleted, reason });

/**
 * Deletes a room that only bots were left in. Anybody may ask, so nothing they say counts: we must know the room, and the homeserver
 * must say that everybody in it is a bot of ours. Once marked it is deleted, by us or by the reconciler, which asks again first.
 * @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function cleanUpRoom(ctx: Ctx, roomId: string): Promise<RoomCleanupAnswer> {
  if ((await listOwnersOfRoom(ctx, roomId)).length === 0) return answer(false, "not_managed");
  const home = requireBotHomeserver(ctx);
  const verdict = await judge(ctx, home, roomId);
  if (verdict === "humans_present") return answer(false, "humans_present");
  const held = await take(ctx, roomId);
  if (held === null) return answer(false, "in_progress");
  try {
    await finish(ctx, home, roomId, verdict);
  } catch (error) {
    await new Plan(ctx)
      .write(releaseCleanup(ctx, roomId, held))
      .commit()
      .catch(() => undefined);
    throw error;
  }
  return verdict === "gone" ? answer(false, "room_gone") : answer(true, null);
}

/** The reconciler's work on a marked room: looks again, then deletes it. What fails stays due for the next tick. */
export async function settleRoomCleanup(ctx: Ctx, roomId: string): Promise<void> {
  const home = findBotHomeserver(ctx);
  const marked = home && (await findCleanup(ctx, roomId));
  const held = marked && (await take(ctx, roomId));
  if (!home || !marked || held === null) return;
  try {
    const verdict = await judge(ctx, home, roomId);
    if (verdict === "humans_present") await new Plan(ctx).write(deleteCleanup(ctx, roomId)).commit();
    else await finish(ctx, home, roomId, verdict);
  } catch (error) {
    const loud = marked.settleAttempts >= SETTLE_LOUD_ATTEMPTS;
    ctx.log[loud ? "error" : "warn"]("a room could not be cleaned up", { event: "room_cleanup.settle.failed", attempts: marked.settleAttempts, ...describeCause(error) });
    await new Plan(ctx).write(releaseCleanup(ctx, roomId, held)).commit();
  }
}

/** Until when we hold the room, ms; null when somebody else does. */
async function take(ctx: Ctx, roomId: string): Promise<number | null> {
  const until = ctx.clock.now() + SAGA_LEASE_MS;
  try {
    await new Plan(ctx).guarded(takeCleanup(ctx, roomId, until)).commit();
    return until;
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
}

async function judge(ctx: Ctx, home: BotHomeserver, roomId: string): Promise<CleanupVerdict> {
  const members = await home.admin.listRoomMembers(roomId);
  const verdict = judgeRoom(members, await ourBotsAmong(ctx, members ?? []));
  if (verdict !== "empty_of_humans") return verdict;
  // Somebody who was invited and has not looked yet is as good as there: a fresh group is waiting for its person.
  const invitees = await home.admin.listInvitees(roomId);
  return judgeRoom(invitees, await ourBotsAmong(ctx, invitees));
}

async function ourBotsAmong(ctx: Ctx, matrixIds: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set((await listBotsByMatrixIds(ctx, matrixIds)).map((bot) => bot.matrixId));
}

/** A homeserver only begins to delete: the mark stays until a later look finds the room gone. */
async function finish(ctx: Ctx, home: BotHomeserver, roomId: string, verdict: Exclude<CleanupVerdict, "humans_present">): Promise<void> {
  if (verdict === "empty_of_humans") await home.admin.deleteRoom(roomId, { block: false, purge: true });
  const owners = await listOwnersOfRoom(ctx, roomId);
  const plan = new Plan(ctx)
    .write(deleteRoomRows(ctx, roomId))
    .write(deleteGroupRows(ctx, roomId))
    .write(verdict === "gone" ? deleteCleanup(ctx, roomId) : watchDeletion(ctx, roomId, ctx.clock.now() + LATE_EFFECT_MS));
  for (const tenantId of owners) plan.audit({ action: "room.clean_up", tenantId, subject: { type: "room", id: roomId }, detail: { gone: verdict === "gone" } });
  await plan.commit();
}
