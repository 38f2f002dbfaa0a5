import { asc, eq, lte } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { componentReleases } from "../../schema/admin";
import { supportedVersions } from "../../schema/instances";

/** The same for every tenant. */
export type SupportedVersion = typeof supportedVersions.$inferSelect;

/** At most one row a component. */
export const listSupportedVersionRows = (ctx: Ctx): Promise<SupportedVersion[]> => ctx.db.select().from(supportedVersions).orderBy(asc(supportedVersions.component));

/** For guarded use: misses when somebody set the component after `known` was read. */
export const upsertSupportedVersion = (ctx: Ctx, row: SupportedVersion, known: SupportedVersion | undefined) =>
  ctx.db
    .insert(supportedVersions)
    .values(row)
    .onConflictDoUpdate({ target: supportedVersions.component, set: row, setWhere: eq(supportedVersions.updatedAt, known?.updatedAt ?? -1) });

export type ComponentRelease = typeof componentReleases.$inferSelect;

/** At most one row a component. */
export const listReleaseRows = (ctx: Ctx): Promise<ComponentRelease[]> => ctx.db.select().from(componentReleases);

/** What was asked later stays, whichever answer is written last. */
export async function upsertRelease(ctx: Ctx, row: ComponentRelease): Promise<void> {
  await ctx.db.insert(componentReleases).values(row).onConflictDoUpdate({ target: componentReleases.component, set: row, setWhere: lte(componentReleases.checkedAt, row.checkedAt) });
}
