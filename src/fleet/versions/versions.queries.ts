import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { toSupportedVersionView, type LatestVersionsView, type SupportedVersionListView } from "./versions.schemas";
import { listSupportedVersionRows, type SupportedVersion } from "./versions.store";

/** Clients offer no update for this. */
const UNKNOWN = "unknown";

/** What each component should run; "unknown" means: offer nothing. */
export async function getLatestVersions(ctx: Ctx): Promise<z.input<typeof LatestVersionsView>> {
  const versions = new Map((await listSupportedVersionRows(ctx)).map((row) => [row.component, row.supportedVersion]));
  const of = (component: SupportedVersion["component"]) => versions.get(component) ?? UNKNOWN;
  return { cli: of("cli"), plugin: of("plugin"), supported_openclaw: of("openclaw"), supported_hermes: of("hermes") };
}

/** What administrators have set so far. The npm registry is not asked. */
export async function listSupportedVersions(ctx: OwnerCtx): Promise<z.input<typeof SupportedVersionListView>> {
  return (await listSupportedVersionRows(ctx)).map((row) => ({ ...toSupportedVersionView(row), latest_npm_version: null, latest_checked_at: null }));
}
