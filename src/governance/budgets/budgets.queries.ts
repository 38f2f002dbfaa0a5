import type { z } from "zod";
import { budgetObject } from "../../../durable-objects/stubs";
import { webOrigin, type Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { toAccountView, toGlobalView, toSpendView, type AccountBudgetListView, type GlobalBudgetView, type SpendView, type TenantSpendRef } from "./budgets.schemas";
import { findTenantBudget } from "./budgets.store";
import { GLOBAL_ACCOUNT, microsToUsd, tenantAccount, userAccount } from "./money.core";

/** The organisation's limit and what it spent this month. */
export async function getGlobalBudget(ctx: Ctx): Promise<z.input<typeof GlobalBudgetView>> {
  const [status] = await budgetObject(ctx.objects).getStatuses([GLOBAL_ACCOUNT]);
  if (!status) throw new Error("the ledger told nothing of the global account");
  return toGlobalView(status);
}

/** People with a limit of their own, by id. */
export async function listAccountBudgets(ctx: Ctx): Promise<z.input<typeof AccountBudgetListView>> {
  return (await budgetObject(ctx.objects).listUserLimits()).map(toAccountView);
}

/** What a tenant spent this month, and on which models. @throws AppError TENANT_NOT_FOUND */
export async function getTenantSpend(ctx: Ctx, { tenantName }: z.output<typeof TenantSpendRef>): Promise<z.input<typeof SpendView>> {
  const tenant = await findTenantBudget(ctx, tenantName);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", "There is no such tenant.");
  const report = await budgetObject(ctx.objects).getSpend(tenantAccount(tenantName), tenant.limit);
  return toSpendView(tenantName, `${webOrigin(ctx)}/api/v1/ai-budget/${encodeURIComponent(tenantName)}/spend`, report);
}

/** Limits in USD of people, by id, and of everybody; null: none. */
export async function getLimitsUsd(ctx: Ctx, userIds: readonly string[]): Promise<{ readonly global: number | null; readonly users: ReadonlyMap<string, number | null> }> {
  const [global, ...people] = await budgetObject(ctx.objects).getStatuses([GLOBAL_ACCOUNT, ...userIds.map(userAccount)]);
  const usdOf = (limit: number | null | undefined): number | null => (limit == null ? null : microsToUsd(limit));
  return { global: usdOf(global?.limit), users: new Map(userIds.map((userId, index) => [userId, usdOf(people[index]?.limit)])) };
}
