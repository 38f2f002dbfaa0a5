import type { Ctx } from "../../kernel/context";
import { supportedVersions } from "../../schema/instances";

/** Component → version. The same for every tenant. */
export async function readSupportedVersions(ctx: Ctx): Promise<ReadonlyMap<string, string>> {
  const rows = await ctx.db.select().from(supportedVersions);
  return new Map(rows.map((row) => [row.component, row.supportedVersion]));
}
