import { z } from "zod";
import { iso } from "../../kernel/clock";
import { microsToUsd } from "../budgets";
import type { UsageRecord } from "./token-usage.store";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

export const UsageQuery = z.object({
  tenant: z.string().min(1).max(253).optional(),
  limit: z.coerce.number().int().min(1).default(LIMIT_DEFAULT).transform((limit) => Math.min(limit, LIMIT_MAX)),
});

export const UsageView = z
  .object({
    /** Absent when no tenant's budget was used. */
    tenant: z.string().optional(),
    model: z.string(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    totalCostUsd: z.number(),
    recordedAt: z.iso.datetime(),
    userId: z.string().optional(),
    totalTokens: z.int(),
    currency: z.literal("USD"),
    totalCost: z.number(),
    /** The person's limit, else the organisation's; absent when there is none. */
    budgetCeiling: z.number().optional(),
  })
  .meta({ id: "TokenUsage" });
export const UsageListView = z.array(UsageView).meta({ id: "TokenUsageList" });

export const toUsageView = (row: UsageRecord, ceiling: number | null): z.input<typeof UsageView> => ({
  ...(row.tenant === null ? {} : { tenant: row.tenant }),
  model: row.model,
  inputTokens: row.inputTokens,
  outputTokens: row.outputTokens,
  totalCostUsd: microsToUsd(row.costMicros),
  recordedAt: iso(row.recordedAt),
  ...(row.userId === null ? {} : { userId: row.userId }),
  totalTokens: row.inputTokens + row.outputTokens,
  currency: "USD",
  totalCost: microsToUsd(row.costMicros),
  ...(ceiling === null ? {} : { budgetCeiling: ceiling }),
});
