import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { findBotHomeserver } from "../matrix-accounts";
import { listDueGroups } from "./cross-bot.store";

const SETTLE_LIMIT = 100;

/** The reconciler's tick: one message on the queue for each group that is due. */
export async function enqueueGroupsToSettle(ctx: Ctx): Promise<void> {
  if (!findBotHomeserver(ctx)) return;
  const ids = await listDueGroups(ctx, SETTLE_LIMIT);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `bot_group.settle:${id}:${minute}`, type: "bot_group.settle", payload: id })));
  if (ids.length > 0) ctx.log.info("groups to settle enqueued", { event: "bot_groups.swept", count: ids.length });
}
