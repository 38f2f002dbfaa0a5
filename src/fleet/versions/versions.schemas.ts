import { z } from "zod";
import { iso } from "../../kernel/clock";
import { VERSION_PATTERN } from "../app-versions";
import type { SupportedVersion } from "./versions.store";

export const LatestVersionsView = z
  .object({ cli: z.string(), plugin: z.string(), supported_openclaw: z.string(), supported_hermes: z.string() })
  .meta({ id: "LatestVersionsResponse" });

const Version = z.string().max(64).regex(VERSION_PATTERN, "Numbers separated by dots, such as 1.4.2");

export const SetSupportedVersionBody = z
  .object({ component: z.enum(["cli", "plugin", "openclaw", "hermes"]), version: Version, min_version: Version.nullish(), notes: z.string().max(2_000).nullish() })
  .meta({ id: "SupportedVersionUpdateRequest" });

const shared = {
  component: z.string(),
  version: z.string(),
  min_version: z.string().nullable(),
  notes: z.string().nullable(),
  updated_at: z.iso.datetime().nullable(),
  updated_by: z.string().nullable(),
};

export const SetSupportedVersionView = z.object({ ...shared, previous_version: z.string().nullable() }).meta({ id: "SupportedVersionUpdateResponse" });

export const SupportedVersionListView = z.array(
  z.object({ ...shared, latest_npm_version: z.string().nullable(), latest_checked_at: z.iso.datetime().nullable() }).meta({ id: "SupportedVersionOut" }),
);

export const toSupportedVersionView = (row: SupportedVersion) => ({
  component: row.component,
  version: row.supportedVersion,
  min_version: row.minVersion,
  notes: row.notes,
  updated_at: row.updatedAt > 0 ? iso(row.updatedAt) : null,
  updated_by: row.updatedBy,
});
