import type { Ctx, OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findBotHomeserver } from "../matrix-accounts";
import { botLocalpart, botMatrixId, botUsernameOf } from "./bots.core";
import { findBot, findBotByUsername, listBotRows, type Bot } from "./bots.store";
import { COMMAND_CATALOGUE, COMMAND_CATALOGUE_VERSION, type BotCommand } from "./command-catalogue";

/** One of the caller's bots. @throws AppError NOT_FOUND, for a foreign, deleted or unfinished one too */
export async function getBot(ctx: OwnerCtx, botId: string): Promise<Bot> {
  const bot = await findBot(ctx, ctx.actor.userId, botId);
  if (!bot) throw notFound("Bot");
  return bot;
}

/** The caller's active bots, newest first; with `pairedTo` those on that machine (an unknown one has none). */
export function listBots(ctx: OwnerCtx, pairedTo: string | undefined): Promise<Bot[]> {
  return listBotRows(ctx, ctx.actor.userId, pairedTo);
}

/** The caller's bot of this name, with or without `_bot`. @throws AppError NOT_FOUND */
export async function getBotByName(ctx: OwnerCtx, name: string): Promise<Bot> {
  const username = botUsernameOf(name);
  const bot = username === null ? null : await findBotByUsername(ctx, username);
  if (!bot || bot.tenantId !== ctx.actor.userId || bot.status !== "active") throw notFound("Bot");
  return bot;
}

export interface UsernameCheck {
  readonly available: boolean;
  readonly reason: "ok" | "taken" | "invalid";
  readonly username: string;
  readonly bot_user_id: string | null;
}

/** Shortest and longest name that every way of creating a bot takes. */
const USERNAME = /^[a-z0-9_]{1,100}$/;

/**
 * Whether a bot name is free. With a homeserver it is asked too, since a name may be taken there by what we know nothing of; one that
 * does not answer is no reason to refuse. A name that its owner deleted reads as taken: only its owner may have it again.
 */
export async function checkBotUsername(ctx: Ctx, candidate: string): Promise<UsernameCheck> {
  const username = USERNAME.test(candidate) ? botUsernameOf(candidate) : null;
  if (username === null) return { available: false, reason: "invalid", username: candidate, bot_user_id: null };
  const matrixId = botMatrixId(username, ctx.config.matrixServerName);
  const answer = (available: boolean): UsernameCheck => ({ available, reason: available ? "ok" : "taken", username: botLocalpart(username), bot_user_id: matrixId });
  if (await findBotByUsername(ctx, username)) return answer(false);
  const account = await findBotHomeserver(ctx)
    ?.admin.findAccount(matrixId)
    .catch(() => null);
  return answer(!account || account.deactivated);
}

export interface BotCommandsAnswer {
  readonly version: number;
  readonly commands: readonly BotCommand[];
  readonly user_bot_matrix_ids: readonly string[];
  readonly system_bot_matrix_ids: readonly string[];
  readonly support_room_ids: readonly string[];
}

/** The slash commands that apps offer, and in whose rooms. */
export async function listBotCommands(ctx: OwnerCtx): Promise<BotCommandsAnswer> {
  const mine = await listBotRows(ctx, ctx.actor.userId);
  return {
    version: COMMAND_CATALOGUE_VERSION,
    commands: COMMAND_CATALOGUE,
    user_bot_matrix_ids: mine.map((bot) => bot.matrixId),
    system_bot_matrix_ids: ctx.config.bots.systemBotIds,
    support_room_ids: ctx.config.bots.supportRoomIds,
  };
}
