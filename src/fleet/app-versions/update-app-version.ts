import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { toAppVersionView, type AppVersionRef, type AppVersionView, type UpdateAppVersionBody } from "./app-versions.schemas";
import { findAppVersion, updateAppVersionRow } from "./app-versions.store";
import { releaseFacts, nameTaken, requireMinimum } from "./release-rules";

type Input = z.output<typeof AppVersionRef> & z.output<typeof UpdateAppVersionBody>;

/**
 * Changes what is given of a release.
 * @throws AppError NOT_FOUND, VALIDATION_ERROR (a minimum above it), CONFLICT (another release has its version)
 */
export function updateAppVersion(ctx: OwnerCtx, input: Input): Promise<z.input<typeof AppVersionView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const row = await findAppVersion(ctx, input.version_id);
    if (!row) throw notFound("Version");
    const change = {
      appVersion: input.version ?? row.appVersion,
      buildNumber: input.build_number ?? row.buildNumber,
      minVersion: input.min_version ?? row.minVersion,
      isForceUpdate: input.is_force_update ?? row.isForceUpdate,
      isMaintenanceMode: input.is_maintenance_mode ?? row.isMaintenanceMode,
      releaseNotes: (input.release_notes ?? row.releaseNotes) || null,
      downloadUrl: (input.download_url ?? row.downloadUrl) || null,
    };
    requireMinimum(change.minVersion, change.appVersion);
    await new Plan(ctx)
      .guarded(updateAppVersionRow(ctx, row, change, now))
      .audit({
        action: "app_version.update",
        tenantId: null,
        subject: { type: "app_version", id: row.id },
        detail: { before: releaseFacts(row), after: releaseFacts({ ...row, ...change }) },
      })
      .commit()
      .catch(nameTaken);
    return toAppVersionView({ ...row, ...change, updatedAt: now });
  });
}
