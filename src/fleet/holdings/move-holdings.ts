import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { endSharesForPlan, tellSharesEnded } from "../bot-shares";
import { addBotParking, addBotReturn, projectEffect, settleBot } from "../bots";
import { addInstanceParking, addInstanceReturn } from "../instances";
import type { Caps, Holding, Moves, PickFeature } from "./holdings.core";
import { withinHoldingCap } from "./holdings.store";

/** Bots whose homeserver side is brought in line before the answer; the reconciler takes the rest within a minute. */
const SETTLE_AT_ONCE = 10;

const idsOf = (holdings: readonly Holding[], feature: PickFeature): string[] => holdings.filter((one) => one.feature === feature).map(({ id }) => id);

/**
 * Adds to one commit everything that parks and brings back: after it nothing is half done. What the homeserver owes a bot is marked on the
 * bot's row by the same commit ({@link settleMoved}). What comes back must still fit under `caps` when it is written.
 */
export function addMoves(ctx: Ctx, plan: Plan, tenantId: number, { park, comeBack }: Moves, caps: Caps, now: number): Plan {
  addInstanceParking(ctx, plan, tenantId, idsOf(park, "multiple_openclaw_instances"), now);
  addBotParking(ctx, plan, tenantId, idsOf(park, "max_bots"), now);
  endSharesForPlan(ctx, plan, tenantId, idsOf(park, "max_bot_shares").map(Number), now);
  const silenced = park.flatMap(({ botId, botMatrixId, instanceId }) => (botId !== null && botMatrixId !== null ? [{ id: botId, matrixId: botMatrixId, instanceId }] : []));
  tellSharesEnded(plan, tenantId, silenced, now);
  for (const feature of ["multiple_openclaw_instances", "max_bots"] as const) {
    const ids = idsOf(comeBack, feature);
    if (ids.length === 0) continue;
    if (feature === "max_bots") addBotReturn(ctx, plan, tenantId, ids, now);
    else addInstanceReturn(ctx, plan, tenantId, ids, now);
    const cap = caps[feature];
    if (cap !== null) plan.require(withinHoldingCap(ctx, tenantId, feature, cap));
  }
  const movedBots = [...park, ...comeBack].filter(({ feature }) => feature === "max_bots");
  if (movedBots.length > 0) plan.effect(projectEffect(tenantId, movedBots.map(({ instanceId }) => instanceId)));
  return plan;
}

/** After the commit of {@link addMoves}: the homeserver follows, for some now and for the others with the reconciler's next tick. */
export async function settleMoved(ctx: Ctx, { park, comeBack }: Moves): Promise<void> {
  const bots = [...idsOf(comeBack, "max_bots"), ...idsOf(park, "max_bots")];
  for (const id of bots.slice(0, SETTLE_AT_ONCE)) await settleBot(ctx, id);
}
