import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { listOwnersWithOverdueShares } from "./bot-shares.store";

const OWNERS_PER_TICK = 200;

/** The tick of the sweep: one message for every owner with overdue shares. */
export async function enqueueShareExpiry(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const owners = await listOwnersWithOverdueShares(ctx, now, OWNERS_PER_TICK);
  const minute = Math.floor(now / MINUTE_MS);
  await Promise.all(owners.map((tenantId) => ctx.services.jobs.send({ v: 1, id: `share.expire:${tenantId}:${minute}`, type: "share.expire", payload: tenantId })));
  if (owners.length > 0) ctx.log.info("overdue shares enqueued", { event: "shares.swept", owners: owners.length });
}
