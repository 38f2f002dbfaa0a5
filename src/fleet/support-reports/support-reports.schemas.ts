import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { shownUsername } from "../accounts";
import { REPORT_STATUSES } from "./support-reports.core";
import type { ListedReport, SupportReport } from "./support-reports.store";

const Status = z.enum(REPORT_STATUSES);

export const CreateReportBody = z
  .object({
    text: z.string().trim().min(1).max(10_000),
    can_contact: z.boolean().default(false),
    contact_email: z.email().max(254).nullish(),
    app_version: z.string().max(64).nullish(),
    os: z.string().max(128).nullish(),
    device_id: z.string().max(255).nullish(),
  })
  .meta({ id: "BugReportRequest" });

export const CreatedReportView = z
  .object({ id: z.int(), status: Status, priority_support: z.boolean(), message: z.string(), created_at: z.iso.datetime() })
  .meta({ id: "CreatedSupportReport" });

export const ReportRef = z.object({ report_id: z.coerce.number().int() });

export const ListReportsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  status: Status.optional(),
  user_id: z.coerce.number().int().optional(),
});

/** What is absent or null stays; empty notes are taken away. */
export const UpdateReportBody = z.object({ status: Status.nullish(), admin_notes: z.string().max(10_000).nullish() }).meta({ id: "UpdateBugReportRequest" });

export const ReportView = z
  .object({
    id: z.int(),
    user_id: z.int(),
    username: z.string().nullable(),
    user_email: z.string().nullable(),
    text: z.string(),
    can_contact: z.boolean(),
    contact_email: z.string().nullable(),
    app_version: z.string().nullable(),
    os: z.string().nullable(),
    device_id: z.string().nullable(),
    status: Status,
    priority_support: z.boolean(),
    admin_notes: z.string().nullable(),
    resolved_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "SupportReport" });

export const ReportListView = z.object({ reports: z.array(ReportView), total: z.int(), limit: z.int(), offset: z.int() }).meta({ id: "SupportReportList" });

export const DeletedReportView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "DeletedSupportReport" });

export const toReportView = ({ report, username, email }: ListedReport): z.input<typeof ReportView> => ({
  id: report.id,
  user_id: report.tenantId,
  username: shownUsername({ username }),
  user_email: email,
  text: report.text,
  can_contact: report.canContact,
  contact_email: report.contactEmail,
  app_version: report.appVersion,
  os: report.os,
  device_id: report.deviceId,
  status: report.status,
  priority_support: report.prioritySupport,
  admin_notes: report.adminNotes,
  resolved_at: isoOrNull(report.resolvedAt),
  created_at: iso(report.createdAt),
  updated_at: iso(report.updatedAt),
});

export const toCreatedView = (report: SupportReport): z.input<typeof CreatedReportView> => ({
  id: report.id,
  status: report.status,
  priority_support: report.prioritySupport,
  message: "Thank you; your report has arrived.",
  created_at: iso(report.createdAt),
});
