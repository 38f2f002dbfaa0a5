import { and, count, desc, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
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

/** Of every owner, for administrators: priority first, then newest. */
export function listReportRows(ctx: Ctx, filter: ReportFilter, page: { readonly limit: number; readonly offset: number }): Promise<ListedReport[]> {
  return listed(ctx).where(matching(filter)).orderBy(desc(supportReports.prioritySupport), desc(supportReports.id)).limit(page.limit).offset(page.offset);
}

export async function countReports(ctx: Ctx, filter: ReportFilter): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(supportReports).where(matching(filter)))[0]?.n ?? 0;
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
