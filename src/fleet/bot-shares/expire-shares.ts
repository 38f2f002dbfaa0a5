import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { expireShareRows, isExpiredNow, listOverdueShares } from "./bot-shares.store";
import { sharesEndedEffect } from "./share-effects";

/** Shares ended by one commit: D1 takes at most 100 parameters. */
const BATCH = 50;

/**
 * Notes that an owner's overdue shares have expired, and has their machines told, once however many notice it.
 * @returns how many there may still be: a full batch means that more wait
 */
export function expireShares(ctx: Ctx, tenantId: number): Promise<"done" | "more"> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const rows = await listOverdueShares(ctx, tenantId, now, BATCH);
    if (rows.length === 0) return "done";
    const ids = rows.map(({ share }) => share.id);
    const bots = new Map(rows.map(({ share, botMatrixId, instanceId }) => [share.botId, { id: share.botId, tenantId, matrixId: botMatrixId, instanceId }]));
    const plan = new Plan(ctx)
      .write(expireShareRows(ctx, tenantId, ids, now))
      .require(isExpiredNow(ids.length))
      .audit({ action: "bot_share.expire", tenantId, detail: { share_ids: ids } });
    for (const bot of bots.values()) plan.effect(sharesEndedEffect(bot, now));
    await plan.commit();
    return rows.length === BATCH ? "more" : "done";
  });
}

/** Job `share.expire`: the sweep found overdue shares of an owner. */
export async function expireSharesJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "number") throw new AppError("MALFORMED_REQUEST", "not an owner");
  while ((await expireShares(ctx, payload)) === "more");
}
