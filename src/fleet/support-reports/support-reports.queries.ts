import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { toReportView, type ListReportsQuery, type ReportListView, type ReportRef, type ReportView } from "./support-reports.schemas";
import { findReport, listReportRows } from "./support-reports.store";

/** Reports of everybody: priority first, then newest. */
export async function listReports(ctx: OwnerCtx, query: z.output<typeof ListReportsQuery>): Promise<z.input<typeof ReportListView>> {
  const { rows, total } = await listReportRows(ctx, { status: query.status, tenantId: query.user_id }, query);
  return { reports: rows.map(toReportView), total, limit: query.limit, offset: query.offset };
}

/** One report of anybody. @throws AppError NOT_FOUND */
export async function getReport(ctx: OwnerCtx, ref: z.output<typeof ReportRef>): Promise<z.input<typeof ReportView>> {
  const found = await findReport(ctx, ref.report_id);
  if (!found) throw notFound("Report");
  return toReportView(found);
}
