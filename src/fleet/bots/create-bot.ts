import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import type { MatrixAccount } from "../../kernel/ports/matrix";
import { requireBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { requireCapability } from "../plans";
import { botLocalpart, botMatrixId, botUsernameOf, SAGA_LEASE_MS } from "./bots.core";
import { countBots, deleteBotRow, findBotByUsername, insertBot, updateBotRow, withinBotCap, type Bot } from "./bots.store";
import { deleteOtherDevices, newDeviceId, openDevice, sealBotToken } from "./credentials";
import { projectEffect } from "./project-effect";
import { requireHermes } from "./require-hermes";
import { settleBot } from "./settle-bot";

export interface NewBot {
  readonly name: string;
  /** With or without `_bot`. */
  readonly username: string;
  readonly runtime: "openclaw" | "hermes";
}

export interface CreatedBot {
  readonly bot: Bot;
  /** The Matrix token: in this answer and nowhere else. */
  readonly accessToken: string;
}

const nameTaken = (cause?: unknown): AppError => new AppError("BOT_NAME_TAKEN", "This bot name is taken.", { cause });

/** A name that is about to be used, and the account of that name from before: ours, since it was deactivated or its owner's. */
interface Reservation {
  readonly bot: Bot;
  readonly known: MatrixAccount | null;
}

/**
 * Creates a bot: reserves its row, makes (or reclaims) its Matrix account, opens its device, and only then shows it. Whatever fails
 * in between is undone at once or by the reconciler; the name is free again then.
 * @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY, BOT_NAME_TAKEN, PLAN_LIMIT, HERMES_NOT_ENABLED, HERMES_NOT_INSTALLED, VALIDATION_ERROR
 */
export async function createBot(ctx: OwnerCtx, input: NewBot): Promise<CreatedBot> {
  const home = requireBotHomeserver(ctx);
  const username = botUsernameOf(input.username);
  if (username === null) throw invalidField(["body", "bot_username"], "A bot's name needs something before _bot", "value_error");
  if (input.runtime === "hermes") await requireHermes(ctx);
  const reservation = await retryLostUpdate(() => reserveName(ctx, home, input, username));
  const { bot } = reservation;
  try {
    await raiseAccount(home, reservation);
    const accessToken = await openDevice(home, bot, bot.deviceId);
    // An account that its last deletion had not reached yet still has that bot's device.
    if (reservation.known?.deactivated === false) await deleteOtherDevices(home, bot);
    const changes = { status: "active", matrixState: "up", sealedToken: await sealBotToken(ctx, bot.id, accessToken), settleAt: null } as const;
    await new Plan(ctx)
      .guarded(updateBotRow(ctx, bot, changes))
      .audit({ action: "bot.create", subject: { type: "bot", id: bot.id }, detail: { username, runtime: input.runtime, reclaimed: reservation.known !== null } })
      .effect(projectEffect(ctx.actor.userId, []))
      .commit();
    return { bot: { ...bot, ...changes, version: bot.version + 1 }, accessToken };
  } catch (error) {
    await abandon(ctx, reservation);
    throw error;
  }
}

/**
 * Commits the row that everything else hangs on. The homeserver is asked first: an account that is up and not this owner's is
 * somebody else's, and no undoing of ours may ever touch it.
 * @throws AppError BOT_NAME_TAKEN, PLAN_LIMIT, MATRIX_UNAVAILABLE, BAD_GATEWAY; LostUpdateError
 */
async function reserveName(ctx: OwnerCtx, home: BotHomeserver, input: NewBot, username: string): Promise<Reservation> {
  const { userId } = ctx.actor;
  const now = ctx.clock.now();
  const held = await findBotByUsername(ctx, username);
  const mine = held?.tenantId === userId;
  const free = !held || (mine && (held.status === "deleted" || (held.status === "creating" && (held.settleAt ?? 0) <= now)));
  if (!free) throw nameTaken();
  const cap = await requireCapability(ctx, userId, "max_bots", (tenantId) => countBots(ctx, tenantId));
  const matrixId = botMatrixId(username, ctx.config.matrixServerName);
  const known = await home.admin.findAccount(matrixId);
  if (known && !known.deactivated && !held) throw nameTaken();
  const row = {
    id: newUuid(),
    tenantId: userId,
    username,
    matrixId,
    name: input.name,
    runtime: input.runtime,
    status: "creating" as const,
    deviceId: newDeviceId(),
    settleAt: now + SAGA_LEASE_MS,
    createdAt: now,
    updatedAt: now,
  };
  const plan = new Plan(ctx);
  if (held) plan.guarded(deleteBotRow(ctx, held));
  plan.write(insertBot(ctx, row));
  if (cap !== null) plan.require(withinBotCap(ctx, userId, cap));
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "bots.username") || isUniqueViolation(error, "bots.matrix_id")) throw new LostUpdateError(error);
    throw error;
  }
  return { bot: { ...NEW_ROW, ...row }, known };
}

/** Columns that a new row leaves to their defaults. */
const NEW_ROW = {
  sharingEnabled: true,
  matrixState: "unknown",
  sealedToken: null,
  instanceId: null,
  pairingId: null,
  planDisabledAt: null,
  claudeControlMode: null,
  runtimeVersion: null,
  sealedRecoveryKey: null,
  bootstrappedAt: null,
  settleAttempts: 0,
  deletedAt: null,
  version: 1,
} as const;

/**
 * Registers the account, or takes over the one that is ours: a name is never free again on a homeserver.
 * @throws AppError BOT_NAME_TAKEN, MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
async function raiseAccount(home: BotHomeserver, { bot, known }: Reservation): Promise<void> {
  if (known === null) {
    if ((await home.bots.register(botLocalpart(bot.username))) !== "created") throw nameTaken();
  } else if (known.deactivated) await home.admin.updateAccount(bot.matrixId, { deactivated: false });
  await home.bots.setDisplayName(bot.matrixId, bot.name);
}

/** Ends the saga's lease and undoes what it can right away; what the homeserver does not let us undo now, the reconciler does. */
async function abandon(ctx: OwnerCtx, { bot }: Reservation): Promise<void> {
  await new Plan(ctx).write(updateBotRow(ctx, bot, { settleAt: ctx.clock.now() })).commit();
  ctx.defer(settleBot(ctx, bot.id));
}
