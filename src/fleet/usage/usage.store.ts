import { and, desc, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { fromNearerEnd } from "../../kernel/db/nearer-end";
import { usageEvents, usageSummaries } from "../../schema/billing";
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

export interface UsagePage {
  readonly limit: number;
  readonly offset: number;
}

/** How many used anything by the end of a period: those with uploads within it come first, most first; then the others, oldest account first. */
export interface UsageCounts {
  readonly uploaders: number;
  readonly others: number;
}

const uploadsOf = (period: string): SQL => sql`s.period = ${period} AND s.metric = ${MEDIA_METRIC} AND s.used > 0`;
/** Whoever runs bots now or had uploaded anything by then. */
const takesPart = (period: string): SQL => sql`(h.running_bots > 0 OR h.first_upload <= ${period})`;

/** By index and by what triggers keep counted: no bot is looked at. */
const countStatement = (ctx: Ctx, period: string) =>
  ctx.db
    .select({ uploaders: sql<number>`c.uploaders`, everybody: sql<number>`c.everybody` })
    .from(sql`(SELECT (SELECT count(*) FROM usage_summaries s WHERE ${uploadsOf(period)}) AS uploaders, (SELECT count(*) FROM tenant_holdings h WHERE ${takesPart(period)}) AS everybody) AS c`);

function toCounts([row]: readonly { readonly uploaders: number; readonly everybody: number }[]): UsageCounts {
  if (!row) throw new Error("a select without a table gave no row");
  return { uploaders: row.uploaders, others: Math.max(0, row.everybody - row.uploaders) };
}

export const countUsageRows = async (ctx: Ctx, period: string): Promise<UsageCounts> => toCounts(await countStatement(ctx, period));

/** A part of a page: so many rows of the uploaders or of the others, from which end. */
type Part = ReturnType<typeof fromNearerEnd>;

function pageStatement(ctx: Ctx, period: string, first: Part, rest: Part, limit: number) {
  const direction = (descending: boolean): SQL => (descending ? sql`DESC` : sql`ASC`);
  const page = sql`
      SELECT * FROM (SELECT s.tenant_id, s.used FROM usage_summaries s WHERE ${uploadsOf(period)}
        ORDER BY s.used ${direction(!first.reversed)}, s.tenant_id ${direction(!first.reversed)} LIMIT ${first.limit} OFFSET ${first.offset})
      UNION ALL
      SELECT * FROM (SELECT h.tenant_id, 0 FROM tenant_holdings h
        WHERE ${takesPart(period)} AND NOT EXISTS (SELECT 1 FROM usage_summaries s WHERE s.tenant_id = h.tenant_id AND ${uploadsOf(period)})
        ORDER BY h.tenant_id ${direction(rest.reversed)} LIMIT ${rest.limit} OFFSET ${rest.offset})
      LIMIT ${limit}`;
  // A batch takes no statement that is all text.
  return ctx.db
    .select({
      userId: sql<number>`u.id`,
      username: sql<string>`u.username`,
      email: sql<string>`u.email`,
      uploadedBytes: sql<number>`p.used`,
      storedBytes: sql<number>`coalesce((SELECT sum(t.used) FROM usage_summaries t WHERE t.tenant_id = u.id AND t.period <= ${period} AND t.period <> ${ALL_TIME} AND t.metric = ${MEDIA_METRIC}), 0)`,
      activeBots: sql<number>`coalesce(h.running_bots, 0)`,
    })
    .from(sql`(${page}) AS p CROSS JOIN users u ON u.id = p.tenant_id LEFT JOIN tenant_holdings h ON h.tenant_id = u.id`)
    .orderBy(sql`p.used DESC, CASE WHEN p.used > 0 THEN -u.id ELSE u.id END`);
}

/** The first page of {@link listUsageRows}, and the counts for those that follow. One round trip. */
export async function listFirstUsageRows(ctx: Ctx, period: string, limit: number): Promise<{ readonly rows: readonly UsageRow[]; readonly counts: UsageCounts }> {
  const part: Part = { offset: 0, limit, reversed: false };
  const [rows, counts] = await ctx.db.batch([pageStatement(ctx, period, part, part, limit), countStatement(ctx, period)]);
  return { rows, counts: toCounts(counts) };
}

/** Everybody who used anything by the end of the period, for administrators: the most uploads first. One round trip. */
export function listUsageRows(ctx: Ctx, period: string, { uploaders, others }: UsageCounts, { offset, limit }: UsagePage): Promise<UsageRow[]> {
  const first = fromNearerEnd(uploaders, { offset, limit: Math.max(0, Math.min(limit, uploaders - offset)) });
  const rest = fromNearerEnd(others, { offset: Math.max(0, offset - uploaders), limit: Math.max(0, offset + limit - Math.max(offset, uploaders)) });
  return pageStatement(ctx, period, first, rest, limit);
}
