import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { readRoom } from "../bot-rooms";
import { firstAnswer } from "./cross-bot.core";
import type { PollView } from "./cross-bot.schemas";

/** Messages that are looked through. */
const LOOK_BACK = 100;

/** What a bot said first after `after` (ms), of the newest hundred messages; answers at once. @throws AppError NOT_FOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY */
export async function pollAnswer(ctx: OwnerCtx, roomId: string, target: string, after: number): Promise<z.output<typeof PollView>> {
  const answer = firstAnswer(await readRoom(ctx, roomId, LOOK_BACK), target, after);
  return { found: answer !== null, message: answer?.body ?? null, event_id: answer?.eventId ?? null, ts: answer?.sentAt ?? null, body: answer?.body ?? null };
}
