import { z } from "zod";
import { iso } from "../../kernel/clock";
import { platformKeyOf } from "./app-versions.core";
import type { AppVersion } from "./app-versions.store";
import { releaseFacts } from "./release-rules";
import { VERSION_PATTERN } from "./version-number.core";

const Platform = z.string().trim().min(1).max(32).transform(platformKeyOf);
const Version = z.string().max(64).regex(VERSION_PATTERN, "Numbers separated by dots, such as 1.4.2");
const BuildNumber = z.int().min(0);
const ReleaseNotes = z.string().max(10_000);
/** Web pages and store pages; empty takes an address away. */
const DownloadUrl = z.string().max(2_048).regex(/^((https?|itms-apps|market):\/\/\S+)?$/, "An address of a web page or an app store");

export const AppVersionRef = z.object({ version_id: z.coerce.number().int() });
export const PlatformRef = z.object({ platform: Platform });
export const ListAppVersionsQuery = z.object({ platform: Platform.optional() });

export const CheckAppBody = z.object({ platform: Platform, version: Version, build_number: BuildNumber.nullish() }).meta({ id: "VersionCheckRequest" });

export const CheckAppView = z
  .object({
    current_version: z.string(),
    min_version: z.string(),
    latest_version: z.string(),
    is_update_required: z.boolean(),
    is_force_update: z.boolean(),
    is_maintenance_mode: z.boolean(),
    release_notes: z.string().nullable(),
    download_url: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: "VersionCheckResponse" });

export const CreateAppVersionBody = z
  .object({
    platform: Platform,
    version: Version,
    build_number: BuildNumber.nullish(),
    min_version: Version,
    is_force_update: z.boolean().default(false),
    is_maintenance_mode: z.boolean().default(false),
    release_notes: ReleaseNotes.nullish(),
    download_url: DownloadUrl.nullish(),
  })
  .meta({ id: "VersionCreateRequest" });

/** What is absent or null stays; an empty text takes notes or address away. */
export const UpdateAppVersionBody = z
  .object({
    version: Version.nullish(),
    build_number: BuildNumber.nullish(),
    min_version: Version.nullish(),
    is_force_update: z.boolean().nullish(),
    is_maintenance_mode: z.boolean().nullish(),
    release_notes: ReleaseNotes.nullish(),
    download_url: DownloadUrl.nullish(),
  })
  .meta({ id: "VersionUpdateRequest" });

export const AppVersionView = z
  .object({
    id: z.int(),
    platform: z.string(),
    version: z.string(),
    build_number: z.int().nullable(),
    min_version: z.string(),
    is_force_update: z.boolean(),
    is_maintenance_mode: z.boolean(),
    release_notes: z.string().nullable(),
    download_url: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "VersionResponse" });

export const AppVersionListView = z.array(AppVersionView);

export const DeletedAppVersionView = z.object({ message: z.string() }).meta({ id: "VersionDeleteResponse" });

export const toAppVersionView = (row: AppVersion): z.input<typeof AppVersionView> => ({
  id: row.id,
  ...releaseFacts(row),
  created_at: iso(row.createdAt),
  updated_at: iso(row.updatedAt),
});
