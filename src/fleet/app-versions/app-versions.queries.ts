import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findLatest, judgeApp } from "./app-versions.core";
import { toAppVersionView, type AppVersionListView, type AppVersionView, type CheckAppBody, type CheckAppView, type ListAppVersionsQuery, type PlatformRef } from "./app-versions.schemas";
import { listAppVersionRows } from "./app-versions.store";

/** Whether a running app may go on. A platform without releases asks for nothing. */
export async function checkApp(ctx: Ctx, input: z.output<typeof CheckAppBody>): Promise<z.input<typeof CheckAppView>> {
  const latest = findLatest(await listAppVersionRows(ctx, input.platform));
  const verdict = judgeApp({ version: input.version, build: input.build_number ?? null }, latest);
  return {
    current_version: input.version,
    min_version: latest?.minVersion ?? input.version,
    latest_version: latest?.appVersion ?? input.version,
    is_update_required: verdict.isUpdateRequired,
    is_force_update: verdict.isForceUpdate,
    is_maintenance_mode: verdict.isMaintenanceMode,
    release_notes: latest?.releaseNotes ?? null,
    download_url: latest?.downloadUrl ?? null,
    message: verdict.message,
  };
}

/** The newest release of a platform. @throws AppError NOT_FOUND */
export async function getLatestAppVersion(ctx: Ctx, { platform }: z.output<typeof PlatformRef>): Promise<z.input<typeof AppVersionView>> {
  const latest = findLatest(await listAppVersionRows(ctx, platform));
  if (!latest) throw notFound("Version");
  return toAppVersionView(latest);
}

/** Releases, newest entry first. */
export async function listAppVersions(ctx: Ctx, { platform }: z.output<typeof ListAppVersionsQuery>): Promise<z.input<typeof AppVersionListView>> {
  return (await listAppVersionRows(ctx, platform)).map(toAppVersionView);
}
