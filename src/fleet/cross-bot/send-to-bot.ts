import type { OwnerCtx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { notFound } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { requireInPlan } from "../bot-rooms";
import { listBotsByMatrixIds, type Bot } from "../bots";
import { requireBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { firstCommonRoom, mentionContent } from "./cross-bot.core";
import { findOwnBot, listSharedWith } from "./cross-bot.store";

export interface BotMessage {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Null: the first room that both are in. */
  readonly roomId: string | null;
  /** `Idempotency-Key`: the same one again sends nothing and answers the same event. */
  readonly key: string | null;
}

export type SentMessage = { readonly success: true; readonly event_id: string; readonly room_id: string } | { readonly success: false; readonly message: string };

const failed = (message: string): SentMessage => ({ success: false, message });

/** The caller's bot of this Matrix id. @throws AppError NOT_FOUND, BOT_DISABLED_BY_PLAN */
export async function requireSender(ctx: OwnerCtx, matrixId: string): Promise<Bot> {
  const bot = await findOwnBot(ctx, ctx.actor.userId, matrixId);
  if (!bot) throw notFound("Bot");
  requireInPlan(bot);
  return bot;
}

/** Whether the caller may talk to these bots anywhere: their own, and those that somebody shares with them. */
export async function isOpenTo(ctx: OwnerCtx, bots: readonly Bot[]): Promise<(bot: Bot) => boolean> {
  const foreign = bots.filter((bot) => bot.tenantId !== ctx.actor.userId).map((bot) => bot.id);
  const shared = await listSharedWith(ctx, ctx.actor.userId, foreign);
  return (bot) => bot.tenantId === ctx.actor.userId || shared.has(bot.id);
}

/**
 * Says something to another bot in a room that both are in, in the name of one of the caller's. The target is the caller's own,
 * shared with them, or in a room with the sender; any other is not found. A deactivated bot could still be driven on the homeserver,
 * so that it is parked is checked here.
 * @throws AppError NOT_FOUND, BOT_DISABLED_BY_PLAN, PAYLOAD_TOO_LARGE, MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function sendToBot(ctx: OwnerCtx, message: BotMessage): Promise<SentMessage> {
  const sender = await requireSender(ctx, message.from);
  const [target] = await listBotsByMatrixIds(ctx, [message.to]);
  if (!target) throw notFound("Bot");
  const open = (await isOpenTo(ctx, [target]))(target);
  if (open) requireInPlan(target);
  const home = requireBotHomeserver(ctx);
  const place = message.roomId === null ? await findPlace(home, sender, target) : await checkPlace(home, sender, target, message.roomId);
  if (place.roomId === null) {
    // Whoever shares nothing with it learns nothing of it.
    if (!open) throw notFound("Bot");
    return failed(place.why);
  }
  requireInPlan(target);
  const txnId = message.key === null ? newUuid() : (await sha256Hex(`${ctx.actor.userId}:${message.key}`)).slice(0, 40);
  const sent = await home.bots.send(sender.matrixId, place.roomId, txnId, mentionContent([target], message.text));
  return sent ? { success: true, event_id: sent.eventId, room_id: place.roomId } : failed("The sender may not speak in this room.");
}

type Place = { readonly roomId: string } | { readonly roomId: null; readonly why: string };

async function findPlace(home: BotHomeserver, sender: Bot, target: Bot): Promise<Place> {
  const [ours, theirs] = await Promise.all([home.bots.joinedRooms(sender.matrixId), home.bots.joinedRooms(target.matrixId)]);
  const roomId = firstCommonRoom(ours, theirs);
  return roomId === null ? { roomId, why: "The two bots are in no room together." } : { roomId };
}

async function checkPlace(home: BotHomeserver, sender: Bot, target: Bot, roomId: string): Promise<Place> {
  const members = await home.bots.listMembers(sender.matrixId, roomId);
  if (!members) return { roomId: null, why: "The sender is not in this room." };
  return members.some((member) => member.userId === target.matrixId) ? { roomId } : { roomId: null, why: "The target is not in this room." };
}
