import { operation } from "../../kernel/operation";
import { createReport } from "./create-report";
import { deleteReport } from "./delete-report";
import { getReport, listReports } from "./support-reports.queries";
import { CreatedReportView, CreateReportBody, DeletedReportView, ListReportsQuery, ReportListView, ReportRef, ReportView, UpdateReportBody } from "./support-reports.schemas";
import { resolveReport, updateReport } from "./update-report";

const TAG = "support";

export const operations = [
  operation({
    id: "fleet.support-reports.create",
    method: "post",
    path: "/api/v1/support/report",
    tag: TAG,
    summary: "Report a problem",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "support_report.create",
    body: CreateReportBody,
    output: CreatedReportView,
    status: 201,
  }).handle(({ body }, ctx) => createReport(ctx, body)),
  operation({
    id: "fleet.support-reports.list",
    method: "get",
    path: "/api/v1/admin/support/reports",
    tag: TAG,
    summary: "Reports of everybody: priority first, then newest",
    auth: ["admin"],
    limit: "read",
    query: ListReportsQuery,
    output: ReportListView,
  }).handle(({ query }, ctx) => listReports(ctx, query)),
  operation({
    id: "fleet.support-reports.get",
    method: "get",
    path: "/api/v1/admin/support/reports/{report_id}",
    tag: TAG,
    summary: "One report",
    auth: ["admin"],
    limit: "read",
    params: ReportRef,
    output: ReportView,
  }).handle(({ params }, ctx) => getReport(ctx, params)),
  operation({
    id: "fleet.support-reports.update",
    method: "patch",
    path: "/api/v1/admin/support/reports/{report_id}",
    tag: TAG,
    summary: "Move a report to another state, or keep notes on it",
    auth: ["admin"],
    limit: "write",
    audit: "support_report.update",
    params: ReportRef,
    body: UpdateReportBody,
    output: ReportView,
  }).handle(({ params, body }, ctx) => updateReport(ctx, { ...params, ...body })),
  operation({
    id: "fleet.support-reports.delete",
    method: "delete",
    path: "/api/v1/admin/support/reports/{report_id}",
    tag: TAG,
    summary: "Remove a report",
    auth: ["admin"],
    limit: "write",
    audit: "support_report.delete",
    params: ReportRef,
    output: DeletedReportView,
  }).handle(({ params }, ctx) => deleteReport(ctx, params)),
  operation({
    id: "fleet.support-reports.resolve",
    method: "post",
    path: "/api/v1/admin/support/reports/{report_id}/resolve",
    tag: TAG,
    summary: "Mark a report as resolved; may be repeated",
    auth: ["admin"],
    limit: "write",
    audit: "support_report.resolve",
    params: ReportRef,
    output: ReportView,
  }).handle(({ params }, ctx) => resolveReport(ctx, params)),
];
