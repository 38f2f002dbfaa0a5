import { and, asc, count, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { fromNearerEnd } from "../../kernel/db/nearer-end";
import { startsWith } from "../../kernel/db/prefix";
import { users } from "../../schema/accounts";
import { rowCounts } from "../../schema/admin";
import { supportReports } from "../../schema/support";

export type SupportReport = typeof supportReports.$inferSelect;
type NewReport = typeof supportReports.$inferInsert;

/** A report and who sent it; the names are null once the account is gone. */
export interface ListedReport {
  readonly report: SupportReport;
  readonly username: string | null;
  readonly email: string | null;
}

interface ReportFilter {
  readonly status?: SupportReport["status"] | undefined;
  readonly tenantId?: number | undefined;
}

/** Answers the row from the commit. */
export const insertReport = (ctx: Ctx, report: NewReport) => ctx.db.insert(supportReports).values(report).returning();

const matching = ({ status, tenantId }: ReportFilter) =>
  and(status === undefined ? undefined : eq(supportReports.status, status), tenantId === undefined ? undefined : eq(supportReports.tenantId, tenantId));

const listed = (ctx: Ctx) =>
  ctx.db.select({ report: supportReports, username: users.username, email: users.email }).from(supportReports).leftJoin(users, eq(users.id, supportReports.tenantId));

interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Names of kept counts: `support_reports.<status>`. */
const COUNTED_AS = "support_reports.";

/** Of one sender there are few, so they are counted; of everybody triggers keep count. */
const countStatement = (ctx: Ctx, filter: ReportFilter) =>
  filter.tenantId === undefined
    ? ctx.db.select({ n: sql<number>`coalesce(sum(${rowCounts.n}), 0)` }).from(rowCounts).where(filter.status === undefined ? startsWith(sql`${rowCounts.name}`, COUNTED_AS) : eq(rowCounts.name, COUNTED_AS + filter.status))
    : ctx.db.select({ n: count() }).from(supportReports).where(matching(filter));

/** Skips by the index, and only then reads reports and people. */
function pageStatement(ctx: Ctx, filter: ReportFilter, { offset, limit, reversed }: ReturnType<typeof fromNearerEnd>) {
  const order = reversed ? asc : desc;
  const page = ctx.db.select({ id: supportReports.id }).from(supportReports).where(matching(filter)).orderBy(order(supportReports.prioritySupport), order(supportReports.id)).limit(limit).offset(offset).as("page");
  return ctx.db
    .select({ report: supportReports, username: users.username, email: users.email })
    .from(page)
    // A cross join is read in this order: the page decides which reports are looked at.
    .crossJoin(supportReports)
    .leftJoin(users, eq(users.id, supportReports.tenantId))
    .where(eq(supportReports.id, page.id))
    .orderBy(desc(supportReports.prioritySupport), desc(supportReports.id));
}

/** Of every owner, for administrators: priority first, then newest; and how many there are. */
export async function listReportRows(ctx: Ctx, filter: ReportFilter, page: Page): Promise<{ readonly rows: readonly ListedReport[]; readonly total: number }> {
  if (page.offset === 0) {
    const [rows, [counted]] = await ctx.db.batch([pageStatement(ctx, filter, { ...page, reversed: false }), countStatement(ctx, filter)]);
    return { rows, total: counted?.n ?? 0 };
  }
  const total = (await countStatement(ctx, filter))[0]?.n ?? 0;
  return { rows: await pageStatement(ctx, filter, fromNearerEnd(total, page)), total };
}

/** Whoever sent it: only administrators come here. */
export async function findReport(ctx: Ctx, id: number): Promise<ListedReport | undefined> {
  return (await listed(ctx).where(eq(supportReports.id, id)).limit(1))[0];
}

const unchanged = (report: SupportReport) => and(eq(supportReports.id, report.id), eq(supportReports.version, report.version));

/** For guarded use: misses when the report changed in between. */
export const updateReportRow = (ctx: Ctx, report: SupportReport, change: Partial<NewReport>, nowMs: number) =>
  ctx.db
    .update(supportReports)
    .set({ ...change, updatedAt: nowMs, version: report.version + 1 })
    .where(unchanged(report));

/** For guarded use, like {@link updateReportRow}. */
export const deleteReportRow = (ctx: Ctx, report: SupportReport) => ctx.db.delete(supportReports).where(unchanged(report));
