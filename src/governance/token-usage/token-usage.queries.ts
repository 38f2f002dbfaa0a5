import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { getLimitsUsd } from "../budgets";
import { toUsageView, type UsageListView, type UsageQuery } from "./token-usage.schemas";
import { listUsageRows } from "./token-usage.store";

/** Settled model calls, newest first, each with the limit that its person has now. */
export async function listTokenUsage(ctx: Ctx, { tenant, limit }: z.output<typeof UsageQuery>): Promise<z.input<typeof UsageListView>> {
  const rows = await listUsageRows(ctx, tenant, limit);
  if (rows.length === 0) return [];
  const people = [...new Set(rows.flatMap(({ userId }) => (userId === null ? [] : [userId])))];
  const limits = await getLimitsUsd(ctx, people);
  return rows.map((row) => toUsageView(row, (row.userId === null ? null : limits.users.get(row.userId)) ?? limits.global));
}
