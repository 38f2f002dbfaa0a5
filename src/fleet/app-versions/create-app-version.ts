import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { releaseFacts, nameTaken, requireMinimum } from "./release-rules";
import { toAppVersionView, type AppVersionView, type CreateAppVersionBody } from "./app-versions.schemas";
import { insertAppVersion, type AppVersion } from "./app-versions.store";

/**
 * Announces a release.
 * @throws AppError VALIDATION_ERROR (a minimum above it), CONFLICT (announced already)
 */
export async function createAppVersion(ctx: OwnerCtx, input: z.output<typeof CreateAppVersionBody>): Promise<z.input<typeof AppVersionView>> {
  requireMinimum(input.min_version, input.version);
  const now = ctx.clock.now();
  const row = {
    platform: input.platform,
    appVersion: input.version,
    buildNumber: input.build_number ?? null,
    minVersion: input.min_version,
    isForceUpdate: input.is_force_update,
    isMaintenanceMode: input.is_maintenance_mode,
    releaseNotes: input.release_notes || null,
    downloadUrl: input.download_url || null,
    createdAt: now,
    updatedAt: now,
  };
  const plan = new Plan(ctx).write(insertAppVersion(ctx, row)).audit({
    action: "app_version.create",
    tenantId: null,
    subject: { type: "app_version", id: `${row.platform}@${row.appVersion}` },
    detail: { before: null, after: releaseFacts(row) },
  });
  const [inserted] = await plan.commit().catch(nameTaken);
  // The insert returns its row.
  const [created] = inserted as AppVersion[];
  if (!created) throw new Error("the insert of a release returned no row");
  return toAppVersionView(created);
}
