import type { UsageRow } from "../../../durable-objects/budget/budget.rpc";
import { budgetObject } from "../../../durable-objects/stubs";
import { DAY_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { deleteUsageBefore, insertUsage } from "./token-usage.store";

/** Reports reach this far back; the ledger keeps monthly sums longer. */
const KEEP_USAGE_MS = 400 * DAY_MS;

/** Handler of `budget.usage`: writes down settled calls that the ledger tells of, and tells it so. */
export async function recordUsageJob(ctx: Ctx, payload: unknown): Promise<void> {
  const rows = readRows(payload);
  const now = ctx.clock.now();
  const plan = new Plan(ctx);
  for (const { seq: _, cost, ...row } of rows) plan.write(insertUsage(ctx, { ...row, costMicros: cost, createdAt: now }));
  await plan.commit();
  await budgetObject(ctx.objects).confirmUsage(rows.map(({ seq }) => seq));
}

/** Only the ledger writes these messages, so what is in a row is trusted. @throws AppError MALFORMED_REQUEST */
function readRows(payload: unknown): readonly UsageRow[] {
  const { rows } = (payload ?? {}) as { readonly rows?: unknown };
  if (!Array.isArray(rows)) throw new AppError("MALFORMED_REQUEST", "The job tells of no calls.");
  return rows as readonly UsageRow[];
}

/** Cron: forgets calls of long ago. */
export const forgetOldUsage = (ctx: Ctx): Promise<void> => deleteUsageBefore(ctx, ctx.clock.now() - KEEP_USAGE_MS);
