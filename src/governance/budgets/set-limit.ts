import type { z } from "zod";
import { budgetObject } from "../../../durable-objects/stubs";
import type { AccountStatus, LimitAction } from "../../../durable-objects/budget/budget.rpc";
import type { Ctx } from "../../kernel/context";
import { changedBy, project } from "../projections";
import { budgetProjector } from "./budgets.projector";
import { limitOf, toAccountView, toGlobalView, type AccountBudgetView, type AccountRef, type GlobalBudgetView, type RemovedBudgetView, type SetLimitBody } from "./budgets.schemas";
import { GLOBAL_ACCOUNT, usdToMicros, userAccount } from "./money.core";

/** Changes what the whole organisation may spend in a month. One below what is spent already stops everything. */
export async function setGlobalBudget(ctx: Ctx, input: z.output<typeof SetLimitBody>): Promise<z.input<typeof GlobalBudgetView>> {
  return toGlobalView(await setLimit(ctx, GLOBAL_ACCOUNT, limitOf(input), "budget.set"));
}

/** Changes what one person's calls may cost in a month. */
export async function setAccountBudget(ctx: Ctx, { userId, ...input }: z.output<typeof AccountRef> & z.output<typeof SetLimitBody>): Promise<z.input<typeof AccountBudgetView>> {
  return toAccountView(await setLimit(ctx, userAccount(userId), limitOf(input), "budget.set"));
}

/** Takes a person's limit away; what was spent stays known. May be repeated. */
export async function removeAccountBudget(ctx: Ctx, { userId }: z.output<typeof AccountRef>): Promise<z.input<typeof RemovedBudgetView>> {
  await setLimit(ctx, userAccount(userId), null, "budget.remove");
  return { userId, status: "deleted" };
}

/** The ledger keeps the limit and the audit in one transaction; D1 is told here, or by the ledger itself when this breaks off. */
async function setLimit(ctx: Ctx, account: string, limitUsd: number | null, action: LimitAction): Promise<AccountStatus> {
  const { status, entries } = await budgetObject(ctx.objects).setLimit(account, limitUsd === null ? null : usdToMicros(limitUsd), action, changedBy(ctx));
  for (const entry of entries) await project(ctx, { object: "budget", name: "org" }, entry, budgetProjector);
  return status;
}
