import { budgetObject } from "../../../durable-objects/stubs";
import type { Reservation } from "../../../durable-objects/budget/budget.rpc";
import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { newId } from "../../kernel/ids/ids";
import { refusal } from "../errors";
import { findTenantBudget, type TenantBudget } from "./budgets.store";
import { GLOBAL_ACCOUNT, microsToUsd, tenantAccount, userAccount, usdToMicros } from "./money.core";

/** What sets money aside for one model call. Money in USD with at most six decimals. */
export interface SpendRequest {
  /** Who keeps the reservation; ids are unique within it, and nobody else can settle or release it. */
  readonly owner: string;
  /** A repeat with the same id gets the same reservation while it is open; made up when left out. */
  readonly id?: string | undefined;
  readonly amountUsd: number;
  readonly tenant?: string | undefined;
  readonly userId?: string | undefined;
  readonly model?: string | undefined;
  readonly ttlSeconds: number;
}

export interface SpendUsage {
  readonly costUsd: number;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const notFound = () => refusal("RESERVATION_NOT_FOUND", "There is no such reservation.");

/**
 * Sets money aside before a model is called, when the organisation, the tenant and the person all have room for it.
 * @throws AppError BUDGET_EXCEEDED (`account` says which one is full), TENANT_NOT_FOUND, TENANT_SUSPENDED, RESERVATION_MISMATCH, RESERVATION_CLOSED
 */
export async function reserveSpend(ctx: Ctx, request: SpendRequest): Promise<Reservation> {
  const { owner, userId, model } = request;
  const tenant = request.tenant === undefined ? null : await requireSpendingTenant(ctx, request.tenant);
  const verdict = await budgetObject(ctx.objects).reserve({
    owner,
    id: request.id ?? newId("rsv", ctx.clock.now()),
    amount: usdToMicros(request.amountUsd),
    accounts: [GLOBAL_ACCOUNT, ...(tenant ? [tenantAccount(tenant.name)] : []), ...(userId === undefined ? [] : [userAccount(userId)])],
    toldLimits: tenant ? { [tenantAccount(tenant.name)]: tenant.limit } : {},
    tenant: tenant?.name ?? null,
    userId: userId ?? null,
    model: model ?? null,
    ttlMs: request.ttlSeconds * SECOND_MS,
  });
  if (verdict.kind === "granted") return verdict.reservation;
  if (verdict.kind === "mismatch") throw refusal("RESERVATION_MISMATCH", "This id stands for another reservation.");
  if (verdict.kind === "closed") throw refusal("RESERVATION_CLOSED", "This reservation is over and holds nothing any more; take another id.", { extras: { status: verdict.status } });
  throw refusal("BUDGET_EXCEEDED", "The budget has no room for this.", {
    detail: `The account ${verdict.account} has ${microsToUsd(verdict.free)} USD left this month.`,
    extras: { account: verdict.account, availableUsd: microsToUsd(verdict.free), limitUsd: microsToUsd(verdict.limit) },
  });
}

async function requireSpendingTenant(ctx: Ctx, name: string): Promise<TenantBudget> {
  const tenant = await findTenantBudget(ctx, name);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", "There is no such tenant.");
  if (tenant.phase === "Suspended") throw refusal("TENANT_SUSPENDED", "The tenant is suspended.");
  return tenant;
}

/**
 * Books what the call really cost, in full, even beyond the reservation and even when that ran out meanwhile. A repeat books nothing.
 * @throws AppError RESERVATION_NOT_FOUND, RESERVATION_SETTLED when it was settled with other numbers
 */
export async function settleSpend(ctx: Ctx, owner: string, id: string, { costUsd, ...usage }: SpendUsage): Promise<Reservation> {
  const verdict = await budgetObject(ctx.objects).settle(owner, id, { cost: usdToMicros(costUsd), ...usage });
  if (verdict.kind === "unknown") throw notFound();
  if (verdict.kind === "mismatch") throw refusal("RESERVATION_SETTLED", "This reservation was settled with other numbers.");
  return verdict.reservation;
}

/** Gives back what was set aside: nothing was spent. May be repeated. @throws AppError RESERVATION_NOT_FOUND, RESERVATION_SETTLED */
export async function releaseSpend(ctx: Ctx, owner: string, id: string): Promise<void> {
  const verdict = await budgetObject(ctx.objects).release(owner, id);
  if (verdict.kind === "unknown") throw notFound();
  if (verdict.kind === "settled") throw refusal("RESERVATION_SETTLED", "This reservation is settled already.");
}
