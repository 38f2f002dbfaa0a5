import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { findBotHomeserver } from "../matrix-accounts";
import { listDueBotRooms } from "./bot-rooms.store";
import { listDueCleanups } from "./cleanups.store";

const SETTLE_LIMIT = 100;

/** The reconciler's tick: one message on the queue for each bot's room, and each room to clean up, that is due. */
export async function enqueueRoomsToSettle(ctx: Ctx): Promise<void> {
  if (!findBotHomeserver(ctx)) return;
  const [rooms, cleanups] = await Promise.all([listDueBotRooms(ctx, SETTLE_LIMIT), listDueCleanups(ctx, SETTLE_LIMIT)]);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all([
    ...rooms.map((id) => ctx.services.jobs.send({ v: 1, id: `bot_room.settle:${id}:${minute}`, type: "bot_room.settle", payload: id })),
    ...cleanups.map((roomId) => ctx.services.jobs.send({ v: 1, id: `room_cleanup.settle:${roomId}:${minute}`, type: "room_cleanup.settle", payload: roomId })),
  ]);
  if (rooms.length + cleanups.length > 0) ctx.log.info("rooms to settle enqueued", { event: "bot_rooms.swept", count: rooms.length, cleanups: cleanups.length });
}
