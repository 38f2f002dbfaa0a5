import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { findAccountById } from "../accounts";
import { insertBotRoom, modeEffect, requireInPlan } from "../bot-rooms";
import { listBotsByMatrixIds, SAGA_LEASE_MS, type Bot } from "../bots";
import { requireBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { groupRoomName, mentionContent, TARGETS_MAX } from "./cross-bot.core";
import { findGroupRow, insertGroup, updateGroup, type Group } from "./cross-bot.store";
import { isOpenTo, requireSender } from "./send-to-bot";
import { settleGroup } from "./settle-group";

export interface NewGroup {
  readonly from: string;
  /** Each once. */
  readonly targets: readonly string[];
  /** Null: the caller. */
  readonly person: string | null;
  /** Null: made of the bots' names. */
  readonly roomName: string | null;
  readonly question: string;
}

export interface CreatedGroup {
  readonly roomId: string;
  readonly eventId: string;
  readonly targets: readonly string[];
}

/** Who comes together. */
interface Party {
  readonly sender: Bot;
  readonly targets: readonly Bot[];
  readonly person: string;
}

/**
 * Makes a room for a person, one of the caller's bots and others that the caller may talk to, and has the first ask its question there.
 * Whatever fails on the way ends the room again, at once or by the reconciler.
 * @throws AppError VALIDATION_ERROR, NOT_FOUND (bot, person), BOT_DISABLED_BY_PLAN, PAYLOAD_TOO_LARGE, MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function createGroup(ctx: OwnerCtx, input: NewGroup): Promise<CreatedGroup> {
  const { sender, targets } = await requireBots(ctx, input);
  const home = requireBotHomeserver(ctx);
  const party: Party = { sender, targets, person: await requirePerson(ctx, home, input.person) };
  const group = await mark(ctx, party);
  try {
    return await raise(ctx, home, party, group, input);
  } catch (error) {
    await abandon(ctx, group.id);
    throw error;
  }
}

async function requireBots(ctx: OwnerCtx, input: NewGroup): Promise<Pick<Party, "sender" | "targets">> {
  if (input.targets.length < 1 || input.targets.length > TARGETS_MAX) throw invalidField(["body", "to_bot_user_ids"], `Name 1 to ${TARGETS_MAX} different bots`);
  if (input.targets.includes(input.from)) throw invalidField(["body", "to_bot_user_ids"], "The sender cannot be its own target");
  const sender = await requireSender(ctx, input.from);
  const found = new Map((await listBotsByMatrixIds(ctx, input.targets)).map((bot) => [bot.matrixId, bot]));
  const isOpen = await isOpenTo(ctx, [...found.values()]);
  const targets = input.targets.map((matrixId) => {
    const bot = found.get(matrixId);
    if (!bot || !isOpen(bot)) throw notFound("Bot");
    requireInPlan(bot);
    return bot;
  });
  return { sender, targets };
}

/** Asked of the homeserver, since a room can be made for people who do not exist. @throws AppError NOT_FOUND */
async function requirePerson(ctx: OwnerCtx, home: BotHomeserver, asked: string | null): Promise<string> {
  const matrixId = asked ?? (await findAccountById(ctx, ctx.actor.userId))?.matrixId;
  // Bots come in as targets only, where it is checked whose they are.
  if (!matrixId?.endsWith(`:${ctx.config.matrixServerName}`) || (await listBotsByMatrixIds(ctx, [matrixId])).length > 0) throw notFound("User");
  const account = await home.admin.findAccount(matrixId);
  if (!account || account.deactivated) throw notFound("User");
  return account.userId;
}

async function mark(ctx: OwnerCtx, { sender, targets, person }: Party): Promise<Group> {
  const now = ctx.clock.now();
  const row = {
    id: newUuid(),
    tenantId: ctx.actor.userId,
    botMatrixId: sender.matrixId,
    members: [person, ...targets.map((bot) => bot.matrixId)],
    roomId: null,
    state: "creating" as const,
    settleAt: now + SAGA_LEASE_MS,
    settleAttempts: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  await new Plan(ctx).write(insertGroup(ctx, row)).commit();
  return row;
}

async function raise(ctx: OwnerCtx, home: BotHomeserver, { sender, targets, person }: Party, group: Group, input: NewGroup): Promise<CreatedGroup> {
  const roomId = await home.bots.createRoom(sender.matrixId, { name: input.roomName ?? groupRoomName([sender, ...targets]), invite: group.members, marker: group.id });
  // Before anything else, so that the room need not be searched for if this breaks off.
  await new Plan(ctx).guarded(updateGroup(ctx, group, { roomId })).commit();
  const held: Group = { ...group, roomId, version: group.version + 1 };
  for (const act of await Promise.all(targets.map((bot) => home.bots.join(bot.matrixId, roomId)))) {
    if (act !== "ok") throw new AppError("MATRIX_UNAVAILABLE", "The homeserver did not let every bot into the room; try again later.");
  }
  const sent = await home.bots.send(sender.matrixId, roomId, group.id, mentionContent(targets, input.question));
  if (!sent) throw new AppError("MATRIX_UNAVAILABLE", "The homeserver did not let the bot speak in its own room; try again later.");
  const now = ctx.clock.now();
  const plan = new Plan(ctx).guarded(updateGroup(ctx, held, { state: "open", settleAt: null, settleAttempts: 0, updatedAt: now }));
  for (const bot of [sender, ...targets]) {
    plan.write(insertBotRoom(ctx, { tenantId: bot.tenantId, botId: bot.id, roomId, mode: "mention", state: "joined", createdAt: now, updatedAt: now })).effect(modeEffect(bot.id, roomId));
  }
  await plan
    .audit({ action: "bot_group.create", subject: { type: "room", id: roomId }, detail: { from: sender.matrixId, to: targets.map((bot) => bot.matrixId), person } })
    .commit();
  return { roomId, eventId: sent.eventId, targets: targets.map((bot) => bot.matrixId) };
}

/** Gives the group up; what cannot be undone now, the reconciler undoes. No harm when it is open after all. */
async function abandon(ctx: OwnerCtx, id: string): Promise<void> {
  const now = ctx.clock.now();
  try {
    const group = await findGroupRow(ctx, id);
    if (group?.state === "creating") await new Plan(ctx).write(updateGroup(ctx, group, { state: "abandoned", settleAt: now, updatedAt: now })).commit();
  } catch {
    // The lease ends by itself.
  }
  ctx.defer(settleGroup(ctx, id).catch(() => undefined));
}
