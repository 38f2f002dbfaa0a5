import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { DeletedReportView, ReportRef } from "./support-reports.schemas";
import { deleteReportRow, findReport } from "./support-reports.store";

/** Removes a report for good. @throws AppError NOT_FOUND */
export function deleteReport(ctx: OwnerCtx, ref: z.output<typeof ReportRef>): Promise<z.input<typeof DeletedReportView>> {
  return retryLostUpdate(async () => {
    const found = await findReport(ctx, ref.report_id);
    if (!found) throw notFound("Report");
    await new Plan(ctx)
      .guarded(deleteReportRow(ctx, found.report))
      .audit({ action: "support_report.delete", tenantId: found.report.tenantId, subject: { type: "support_report", id: found.report.id }, detail: { before: { status: found.report.status }, after: null } })
      .commit();
    return { success: true, message: "Report deleted." };
  });
}
