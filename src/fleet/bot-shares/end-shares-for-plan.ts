import type { Ctx } from "../../kernel/context";
import { chunked } from "../../kernel/db/chunked";
import type { Plan } from "../../kernel/db/client";
import { endShareRowsForPlan } from "./bot-shares.store";
import { sharesEndedEffect } from "./share-effects";

/** A bot as its machine is told about it. */
interface ToldBot {
  readonly id: string;
  readonly matrixId: string;
  readonly instanceId: string | null;
}

/** Adds to a commit that the plan does not carry these shares: they end for good. */
export function endSharesForPlan(ctx: Ctx, plan: Plan, tenantId: number, shareIds: readonly number[], now: number): void {
  for (const ids of chunked(shareIds)) plan.write(endShareRowsForPlan(ctx, tenantId, ids, now));
}

/** Adds to a commit that the machines of these bots are told which shares ended at `now`. A bot on no machine has nobody to tell. */
export function tellSharesEnded(plan: Plan, tenantId: number, bots: readonly ToldBot[], now: number): void {
  for (const bot of new Map(bots.filter(({ instanceId }) => instanceId !== null).map((one) => [one.id, one])).values()) plan.effect(sharesEndedEffect({ ...bot, tenantId }, now));
}
