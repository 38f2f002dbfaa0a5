import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { resolvedAtAfter } from "./support-reports.core";
import { toReportView, type ReportRef, type ReportView, type UpdateReportBody } from "./support-reports.schemas";
import { findReport, updateReportRow } from "./support-reports.store";

type Input = z.output<typeof ReportRef> & z.output<typeof UpdateReportBody>;
type View = z.input<typeof ReportView>;

/** Moves a report to any state and keeps notes on it; what changes nothing is not written. @throws AppError NOT_FOUND */
export const updateReport = (ctx: OwnerCtx, input: Input): Promise<View> => changeReport(ctx, input, "support_report.update");

/** Marks a report as resolved; repeating it changes nothing. @throws AppError NOT_FOUND */
export const resolveReport = (ctx: OwnerCtx, ref: z.output<typeof ReportRef>): Promise<View> => changeReport(ctx, { ...ref, status: "resolved" }, "support_report.resolve");

function changeReport(ctx: OwnerCtx, input: Input, action: string): Promise<View> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const found = await findReport(ctx, input.report_id);
    if (!found) throw notFound("Report");
    const { report } = found;
    const status = input.status ?? report.status;
    const adminNotes = (input.admin_notes ?? report.adminNotes) || null;
    if (status === report.status && adminNotes === report.adminNotes) return toReportView(found);
    const change = { status, adminNotes, resolvedAt: resolvedAtAfter(status, report.resolvedAt, now) };
    await new Plan(ctx)
      .guarded(updateReportRow(ctx, report, change, now))
      .audit({ action, tenantId: report.tenantId, subject: { type: "support_report", id: report.id }, detail: { before: { status: report.status }, after: { status }, notes_changed: adminNotes !== report.adminNotes } })
      .commit();
    return toReportView({ ...found, report: { ...report, ...change, updatedAt: now } });
  });
}
