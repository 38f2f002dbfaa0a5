import { and, desc, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { appVersions } from "../../schema/app-versions";

/** Releases belong to no tenant: everybody reads them, administrators write them. */
export type AppVersion = typeof appVersions.$inferSelect;
export type NewAppVersion = typeof appVersions.$inferInsert;

/** Enough for years of releases; the oldest beyond it cannot be the latest. */
const LIST_MAX = 500;

/** Newest entry first, of one platform or of all. */
export function listAppVersionRows(ctx: Ctx, platform: string | undefined): Promise<AppVersion[]> {
  return ctx.db
    .select()
    .from(appVersions)
    .where(platform === undefined ? undefined : eq(appVersions.platform, platform))
    .orderBy(desc(appVersions.id))
    .limit(LIST_MAX);
}

export async function findAppVersion(ctx: Ctx, id: number): Promise<AppVersion | undefined> {
  return (await ctx.db.select().from(appVersions).where(eq(appVersions.id, id)).limit(1))[0];
}

/** Answers the row from the commit. */
export const insertAppVersion = (ctx: Ctx, row: NewAppVersion) => ctx.db.insert(appVersions).values(row).returning();

const unchanged = (row: AppVersion) => and(eq(appVersions.id, row.id), eq(appVersions.version, row.version));

/** For guarded use: misses when the row changed in between. */
export const updateAppVersionRow = (ctx: Ctx, row: AppVersion, change: Partial<NewAppVersion>, nowMs: number) =>
  ctx.db
    .update(appVersions)
    .set({ ...change, updatedAt: nowMs, version: row.version + 1 })
    .where(unchanged(row));

/** For guarded use, like {@link updateAppVersionRow}. */
export const deleteAppVersionRow = (ctx: Ctx, row: AppVersion) => ctx.db.delete(appVersions).where(unchanged(row));
