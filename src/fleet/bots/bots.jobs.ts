import type { Ctx } from "../../kernel/context";
import { MINUTE_MS } from "../../kernel/clock";
import { findBotHomeserver } from "../matrix-accounts";
import { listBotsToSettle } from "./bots.store";

const SETTLE_LIMIT = 200;

/** The reconciler's tick: finds bots that differ from what the homeserver has, and puts one message on the queue for each. */
export async function enqueueBotsToSettle(ctx: Ctx): Promise<void> {
  if (!findBotHomeserver(ctx)) return;
  const ids = await listBotsToSettle(ctx, SETTLE_LIMIT);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `bot.settle:${id}:${minute}`, type: "bot.settle", payload: id })));
  if (ids.length > 0) ctx.log.info("bots to settle enqueued", { event: "bots.swept", count: ids.length });
}
