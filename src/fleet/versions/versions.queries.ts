import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { toSupportedVersionView, type LatestVersionsView, type SupportedVersionListView } from "./versions.schemas";
import { listReleaseRows, listSupportedVersionRows, type SupportedVersion } from "./versions.store";

/** Clients offer no update for this. */
const UNKNOWN = "unknown";

/** What each component should run; "unknown" means: offer nothing. */
export async function getLatestVersions(ctx: Ctx): Promise<z.input<typeof LatestVersionsView>> {
  const versions = new Map((await listSupportedVersionRows(ctx)).map((row) => [row.component, row.supportedVersion]));
  const of = (component: SupportedVersion["component"]) => versions.get(component) ?? UNKNOWN;
  return { cli: of("cli"), plugin: of("plugin"), supported_openclaw: of("openclaw"), supported_hermes: of("hermes") };
}

/** What administrators have set so far, beside the newest releases that the hourly check found. */
export async function listSupportedVersions(ctx: OwnerCtx): Promise<z.input<typeof SupportedVersionListView>> {
  const [rows, releases] = await Promise.all([listSupportedVersionRows(ctx), listReleaseRows(ctx)]);
  const releaseOf = new Map(releases.map((release) => [release.component, release]));
  return rows.map((row) => {
    const release = releaseOf.get(row.component);
    return { ...toSupportedVersionView(row), latest_npm_version: release?.latestVersion ?? null, latest_checked_at: isoOrNull(release?.checkedAt) };
  });
}
