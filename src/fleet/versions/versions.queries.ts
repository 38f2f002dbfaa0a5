import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import type { LatestVersionsView } from "./versions.schemas";
import { readSupportedVersions } from "./versions.store";

/** Clients offer no update for this. */
const UNKNOWN = "unknown";

/** What each component should run; "unknown" means: offer nothing. */
export async function getLatestVersions(ctx: Ctx): Promise<z.input<typeof LatestVersionsView>> {
  const versions = await readSupportedVersions(ctx);
  const of = (component: string) => versions.get(component) ?? UNKNOWN;
  return { cli: of("cli"), plugin: of("plugin"), supported_openclaw: of("openclaw"), supported_hermes: of("hermes") };
}
