import { instanceObject } from "../../../durable-objects/stubs";
import type { InstanceRef } from "../../../durable-objects/instance/instance.rpc";
import { iso, isoOrNull } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import type { Effect } from "../../kernel/outbox/effects";
import { findBotRow, type Bot } from "../bots";
import { stateOf } from "./bot-shares.core";
import { findOpenShare, findShareRow, listLivingShares, listSharesEndedAt, type Share } from "./bot-shares.store";

/** How machines hear of shares: a command to obey and an event to see, both after the commit. A bot on no machine has nobody to tell. */

/** Payload of `bot.shares_ended`: the bot may be gone or on no machine by the time it is told. */
interface SharesEndedPayload {
  readonly tenantId: number;
  readonly botId: string;
  readonly botMatrixId: string;
  readonly instanceId: string | null;
  /** ms; which shares ended is found by this very time. */
  readonly endedAt: number;
}

/** Some of a bot's shares end at `endedAt`. */
export function sharesEndedEffect(bot: { readonly id: string; readonly tenantId: number; readonly matrixId: string; readonly instanceId: string | null }, endedAt: number): Effect {
  const payload: SharesEndedPayload = { tenantId: bot.tenantId, botId: bot.id, botMatrixId: bot.matrixId, instanceId: bot.instanceId, endedAt };
  return { type: "bot.shares_ended", payload };
}

/** Effect `share.notify`: tells the bot's machine about a new share, if that lives still. */
export async function notifyShare(ctx: Ctx, payload: unknown): Promise<void> {
  const { botId, recipientId } = payload as { botId: string; recipientId: number };
  const share = await findOpenShare(ctx, botId, recipientId);
  if (share) await tellStart(ctx, await findBotRow(ctx, botId), share, `share:${share.id}:notify`);
}

/** Effect `bot.shares_resend` `{botId}`: a bot came to another machine, which must learn its shares. Whoever pairs a bot commits it. */
export async function resendShares(ctx: Ctx, payload: unknown): Promise<void> {
  const { botId } = payload as { botId: string };
  const bot = await findBotRow(ctx, botId);
  if (!bot || bot.instanceId === null) return;
  // A bot may come back to a machine within a day: each pairing tells anew.
  for (const share of await listLivingShares(ctx, botId, ctx.clock.now())) await tellStart(ctx, bot, share, `share:${share.id}:notify:${bot.pairingId ?? bot.instanceId}`);
}

/** Effect `bot.shares_ended`: tells the machine that had the bot about every share that ended then. */
export async function notifySharesEnded(ctx: Ctx, payload: unknown): Promise<void> {
  const { tenantId, botId, botMatrixId, instanceId: then, endedAt } = payload as SharesEndedPayload;
  const instanceId = (await findBotRow(ctx, botId))?.instanceId ?? then;
  if (instanceId === null) return;
  for (const share of await listSharesEndedAt(ctx, botId, endedAt)) await tellEnd(ctx, { userId: tenantId, instanceId }, botMatrixId, share, `share:${share.id}:revoked`);
}

async function tellStart(ctx: Ctx, bot: Bot | null, share: Share, key: string): Promise<void> {
  if (!bot || bot.instanceId === null || bot.tenantId !== share.tenantId || stateOf(share, ctx.clock.now()) !== "active") return;
  const ref = { userId: bot.tenantId, instanceId: bot.instanceId };
  await tell(ctx, ref, "bot_share_notify", "share.created", bot.matrixId, share, "created", key);
  // The end may have been told between our reading and our telling; then this must not be the last word.
  const after = await findShareRow(ctx, share.id);
  if (after && after.endedAt !== null) await tellEnd(ctx, ref, bot.matrixId, after, `${key}:revoked`);
}

const tellEnd = (ctx: Ctx, ref: InstanceRef, botMatrixId: string, share: Share, key: string): Promise<void> =>
  tell(ctx, ref, "bot_share_revoked", share.endReason === "expired" ? "share.expired" : "share.revoked", botMatrixId, share, share.endReason ?? "revoked", key);

async function tell(ctx: Ctx, ref: InstanceRef, command: "bot_share_notify" | "bot_share_revoked", event: string, botMatrixId: string, share: Share, reason: string, idempotencyKey: string): Promise<void> {
  const object = instanceObject(ctx.objects, ref);
  const payload = { bot_id: share.botId, bot_user_id: botMatrixId, share_id: share.id, shared_with_user_id: share.recipientMatrixId, expires_at: isoOrNull(share.expiresAt), reason };
  const answer = await object.enqueueCommand(ref, { type: command, payload, idempotencyKey });
  if (answer.kind === "gone") return;
  // The outbox comes again later, when the machine may have obeyed some.
  if (answer.kind !== "ok") throw new Error(`machine ${ref.instanceId} has no room for ${command}: ${answer.kind}`);
  await object.pushEvent(ref, { type: event, ...payload, at: iso(ctx.clock.now()) }, true);
}
