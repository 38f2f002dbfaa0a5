import { isUniqueViolation } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import type { NewAppVersion } from "./app-versions.store";
import { compareVersions } from "./version-number.core";

/** A minimum above the version itself would lock everybody out. @throws AppError VALIDATION_ERROR */
export function requireMinimum(minVersion: string, version: string): void {
  if (compareVersions(minVersion, version) > 0) throw invalidField(["body", "min_version"], "min_version must not be above version");
}

/** For a commit's failure: names the release that exists already, passes everything else on. */
export function nameTaken(error: unknown): never {
  if (isUniqueViolation(error, "app_versions.app_version")) throw new AppError("CONFLICT", "This release of this platform exists already.", { cause: error });
  throw error;
}

/** What administrators decide about a release, in the words of the wire: its answer shows it, and the audit keeps it. */
export const releaseFacts = (row: NewAppVersion) => ({
  platform: row.platform,
  version: row.appVersion,
  build_number: row.buildNumber ?? null,
  min_version: row.minVersion,
  is_force_update: row.isForceUpdate,
  is_maintenance_mode: row.isMaintenanceMode,
  release_notes: row.releaseNotes ?? null,
  download_url: row.downloadUrl ?? null,
});
