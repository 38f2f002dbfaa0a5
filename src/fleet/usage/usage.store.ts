import { and, asc, count, desc, eq, inArray, isNotNull, isNull, lte, ne, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { usageEvents, usageSummaries } from "../../schema/billing";
import { bots } from "../../schema/bots";
import { ALL_TIME, MEDIA_METRIC, type MonthlySum } from "./usage.core";

export type UsageEvent = typeof usageEvents.$inferSelect;

/** Sums of somebody's uploads: one row a month, and one for all time. */
export const listSums = (ctx: Ctx, tenantId: number): Promise<MonthlySum[]> =>
  ctx.db
    .select({ period: usageSummaries.period, used: usageSummaries.used })
    .from(usageSummaries)
    .where(and(eq(usageSummaries.tenantId, tenantId), eq(usageSummaries.metric, MEDIA_METRIC)));

const totalOf = (ctx: Ctx, tenantId: number) =>
  ctx.db
    .select({ used: usageSummaries.used })
    .from(usageSummaries)
    .where(and(eq(usageSummaries.tenantId, tenantId), eq(usageSummaries.period, ALL_TIME), eq(usageSummaries.metric, MEDIA_METRIC)));

/** Bytes uploaded so far. */
export const findTotal = async (ctx: Ctx, tenantId: number): Promise<number> => (await totalOf(ctx, tenantId))[0]?.used ?? 0;

/** Condition for a plan of writes: the total, this upload in it, fits even if another slipped in after we looked. */
export const withinStorage = (ctx: Ctx, tenantId: number, limitBytes: number): SQL => sql`coalesce((${totalOf(ctx, tenantId)}), 0) <= ${limitBytes}`;

/** Adds to a sum. */
export const addToSum = (ctx: Ctx, tenantId: number, period: string, bytes: number, nowMs: number) =>
  ctx.db
    .insert(usageSummaries)
    .values({ tenantId, period, metric: MEDIA_METRIC, used: bytes, updatedAt: nowMs })
    .onConflictDoUpdate({ target: [usageSummaries.tenantId, usageSummaries.period, usageSummaries.metric], set: { used: sql`${usageSummaries.used} + excluded.used`, updatedAt: nowMs } });

export const insertUsageEvent = (ctx: Ctx, event: UsageEvent) => ctx.db.insert(usageEvents).values(event);

/** The newest events of somebody in a period. */
export const listEvents = (ctx: Ctx, tenantId: number, period: string, limit: number): Promise<UsageEvent[]> =>
  ctx.db
    .select()
    .from(usageEvents)
    .where(and(eq(usageEvents.tenantId, tenantId), eq(usageEvents.period, period)))
    .orderBy(desc(usageEvents.createdAt), desc(usageEvents.id))
    .limit(limit);

/** One person in the list of everybody's use. */
export interface UsageRow {
  readonly userId: number;
  readonly username: string;
  readonly email: string;
  /** Within the period. */
  readonly uploadedBytes: number;
  /** Gathered by its end. */
  readonly storedBytes: number;
  /** Now, whatever the period. */
  readonly activeBots: number;
}

/** Everybody who used anything by the end of the period, for administrators: the most uploads first. */
export async function listUsageRows(ctx: Ctx, period: string, page: { readonly limit: number; readonly offset: number }): Promise<{ readonly rows: readonly UsageRow[]; readonly total: number }> {
  const uploads = eq(usageSummaries.metric, MEDIA_METRIC);
  const month = ctx.db
    .select({ tenantId: usageSummaries.tenantId, bytes: usageSummaries.used })
    .from(usageSummaries)
    .where(and(uploads, eq(usageSummaries.period, period)))
    .as("month");
  const stored = ctx.db
    .select({ tenantId: usageSummaries.tenantId, bytes: sql<number>`sum(${usageSummaries.used})`.as("stored_bytes") })
    .from(usageSummaries)
    .where(and(uploads, ne(usageSummaries.period, ALL_TIME), lte(usageSummaries.period, period)))
    .groupBy(usageSummaries.tenantId)
    .as("stored");
  const running = ctx.db
    .select({ tenantId: bots.tenantId, n: count().as("active_bots") })
    .from(bots)
    .where(and(inArray(bots.status, ["creating", "active"]), isNull(bots.planDisabledAt)))
    .groupBy(bots.tenantId)
    .as("running");
  const used = or(isNotNull(stored.tenantId), isNotNull(running.tenantId));
  const [rows, totals] = await ctx.db.batch([
    ctx.db
      .select({
        userId: users.id,
        username: users.username,
        email: users.email,
        uploadedBytes: sql<number>`coalesce(${month.bytes}, 0)`,
        storedBytes: sql<number>`coalesce(${stored.bytes}, 0)`,
        activeBots: sql<number>`coalesce(${running.n}, 0)`,
      })
      .from(users)
      .leftJoin(month, eq(month.tenantId, users.id))
      .leftJoin(stored, eq(stored.tenantId, users.id))
      .leftJoin(running, eq(running.tenantId, users.id))
      .where(used)
      .orderBy(desc(sql`coalesce(${month.bytes}, 0)`), asc(users.id))
      .limit(page.limit)
      .offset(page.offset),
    ctx.db.select({ n: count() }).from(users).leftJoin(stored, eq(stored.tenantId, users.id)).leftJoin(running, eq(running.tenantId, users.id)).where(used),
  ]);
  return { rows, total: totals[0]?.n ?? 0 };
}
