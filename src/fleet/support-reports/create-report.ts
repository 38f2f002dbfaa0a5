import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { getEntitlements, hasFeature } from "../plans";
import { toCreatedView, type CreatedReportView, type CreateReportBody } from "./support-reports.schemas";
import { insertReport, type SupportReport } from "./support-reports.store";

/** Takes a report in. Its text stays out of the audit. @throws AppError UNAUTHENTICATED when the account is gone */
export async function createReport(ctx: OwnerCtx, input: z.output<typeof CreateReportBody>): Promise<z.input<typeof CreatedReportView>> {
  const [account, entitlements] = await Promise.all([findAccountById(ctx, ctx.actor.userId), getEntitlements(ctx, ctx.actor.userId)]);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const now = ctx.clock.now();
  const prioritySupport = hasFeature(entitlements, "priority_support");
  const [inserted] = await new Plan(ctx)
    .write(
      insertReport(ctx, {
        tenantId: account.id,
        text: input.text,
        canContact: input.can_contact,
        contactEmail: input.contact_email ?? null,
        appVersion: input.app_version ?? null,
        os: input.os ?? null,
        deviceId: input.device_id ?? null,
        status: "open",
        prioritySupport,
        createdAt: now,
        updatedAt: now,
      }),
    )
    .audit({ action: "support_report.create", subject: { type: "account", id: account.sub }, detail: { priority_support: prioritySupport } })
    .commit();
  // The insert returns its row.
  const [report] = inserted as SupportReport[];
  if (!report) throw new Error("the insert of a report returned no row");
  return toCreatedView(report);
}
