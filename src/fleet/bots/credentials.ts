import type { Ctx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { randomBytes } from "../../kernel/ids/ids";
import type { BotHomeserver } from "../matrix-accounts";
import { botLocalpart, deviceIdFrom, SAGA_LEASE_MS } from "./bots.core";
import { findBotRow, updateBotRow, type Bot } from "./bots.store";

/** A bot's token for its machine: how it is made, kept and replaced. */

/** Context string that binds a bot's sealed token to its row. */
export const botTokenSealContext = (botId: string): string => `bot_token:${botId}`;

export const sealBotToken = (ctx: Ctx, botId: string, token: string): Promise<string> => seal(ctx.config.sealKeys, token, botTokenSealContext(botId));

export async function unsealBotToken(ctx: Ctx, bot: Bot): Promise<string | null> {
  return bot.sealedToken === null ? null : unseal(ctx.config.sealKeys, bot.sealedToken, botTokenSealContext(bot.id));
}

export const newDeviceId = (): string => deviceIdFrom(randomBytes(10));

/** What a saga that made or found a token still has to commit, with {@link updateBotRow} on `bot`. */
export interface ReadyCredentials {
  /** The row as it is now: a mark may have been committed. */
  readonly bot: Bot;
  readonly accessToken: string;
  readonly deviceId: string;
  readonly changes: { readonly deviceId: string; readonly sealedToken: string; readonly settleAt: number | null };
}

/** Marks the bot as worked on, so that the reconciler finds what this saga leaves if it breaks off. @throws LostUpdateError */
export async function leaseBot(ctx: Ctx, bot: Bot): Promise<Bot> {
  const changes = { settleAt: ctx.clock.now() + SAGA_LEASE_MS };
  await new Plan(ctx).guarded(updateBotRow(ctx, bot, changes)).commit();
  return { ...bot, ...changes, version: bot.version + 1 };
}

/** Signs the bot in on `deviceId`. @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY */
export async function openDevice(home: BotHomeserver, bot: Bot, deviceId: string): Promise<string> {
  const login = await home.bots.login(bot.matrixId, deviceId);
  if (login.kind === "ok") return login.accessToken;
  throw new AppError("MATRIX_UNAVAILABLE", `The homeserver does not let ${botLocalpart(bot.username)} in: its account is ${login.kind === "unknown" ? "not there" : "deactivated"}.`);
}

/**
 * Credentials that work now. Without `rotate` the stored token is tried first, and the stored device signed in again when it is
 * dead: its encryption keys live on. With `rotate` a new device is opened; the old one dies by {@link clearOtherDevices} once the
 * caller has committed.
 * @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY; LostUpdateError
 */
export async function readyCredentials(ctx: Ctx, home: BotHomeserver, bot: Bot, { rotate }: { readonly rotate: boolean }): Promise<ReadyCredentials> {
  if (rotate) {
    const leased = await leaseBot(ctx, bot);
    const deviceId = newDeviceId();
    const accessToken = await openDevice(home, leased, deviceId);
    return { bot: leased, accessToken, deviceId, changes: { deviceId, sealedToken: await sealBotToken(ctx, bot.id, accessToken), settleAt: ctx.clock.now() } };
  }
  const stored = await unsealBotToken(ctx, bot);
  if (stored !== null && bot.sealedToken !== null && (await home.matrix.whoami(stored))?.userId === bot.matrixId) {
    return { bot, accessToken: stored, deviceId: bot.deviceId, changes: { deviceId: bot.deviceId, sealedToken: bot.sealedToken, settleAt: bot.settleAt } };
  }
  const accessToken = await openDevice(home, bot, bot.deviceId);
  return { bot, accessToken, deviceId: bot.deviceId, changes: { deviceId: bot.deviceId, sealedToken: await sealBotToken(ctx, bot.id, accessToken), settleAt: bot.settleAt } };
}

/**
 * Deletes every device of the bot but its own, and with them their tokens. Bots sign in through us only, so any other device is a
 * leftover of a rotation. @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY: then the reconciler finishes it
 */
export async function clearOtherDevices(ctx: Ctx, home: BotHomeserver, botId: string): Promise<void> {
  const bot = await findBotRow(ctx, botId);
  if (!bot || bot.status !== "active") return;
  await deleteOtherDevices(home, bot);
  if (bot.settleAt !== null) await new Plan(ctx).write(updateBotRow(ctx, bot, { settleAt: null, settleAttempts: 0 })).commit();
}

export async function deleteOtherDevices(home: BotHomeserver, bot: Bot): Promise<void> {
  const devices = (await home.admin.listDevices(bot.matrixId)) ?? [];
  const leftovers = devices.map((device) => device.deviceId).filter((id) => id !== bot.deviceId);
  if (leftovers.length > 0) await home.admin.deleteDevices(bot.matrixId, leftovers);
}
