import { and, asc, desc, eq, gt, inArray, lt, ne, notExists, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { governanceSkillBundles as bundles, governanceSkillContents as contents, governanceSkillPromotions as promotions, governanceSkillScans as scans, governanceSources as sources } from "../../schema/governance-skills";
import { governanceTenants } from "../../schema/governance-tenants";
import type { SkillScope } from "./skill-bundles.core";

export type Bundle = typeof bundles.$inferSelect;
type NewBundle = typeof bundles.$inferInsert;
export type Content = typeof contents.$inferSelect;
export type Promotion = typeof promotions.$inferSelect;
export type Scan = typeof scans.$inferSelect;

/** A skill with what others know of it. */
export interface ListedBundle {
  readonly bundle: Bundle;
  readonly sourceName: string | null;
  readonly contentState: Content["state"] | null;
  /** Of its present digest. */
  readonly scanStatus: Scan["status"] | null;
}

/** For {@link isUniqueViolation}: D1 names the columns. */
export const BUNDLE_UNIQUE = "governance_skill_bundles.name";

/** Not for batches: their rows are told apart by the names of columns, and here are two names. */
const listed = (ctx: Ctx) =>
  ctx.db
    .select({ bundle: bundles, sourceName: sources.name, contentState: contents.state, scanStatus: scans.status })
    .from(bundles)
    .leftJoin(sources, eq(sources.id, bundles.sourceId))
    .leftJoin(contents, eq(contents.sha256, bundles.digestKey))
    .leftJoin(scans, and(eq(scans.bundleId, bundles.id), eq(scans.digestKey, bundles.digestKey)));

/** All of them, newest first, with their promotions by bundle. */
export async function listBundles(ctx: Ctx): Promise<{ readonly rows: readonly ListedBundle[]; readonly promotions: ReadonlyMap<string, readonly Promotion[]> }> {
  const [rows, history] = await Promise.all([listed(ctx).orderBy(desc(bundles.createdAt), desc(bundles.id)), ctx.db.select().from(promotions).orderBy(asc(promotions.seq))]);
  const byBundle = new Map<string, Promotion[]>();
  for (const one of history) byBundle.set(one.bundleId, [...(byBundle.get(one.bundleId) ?? []), one]);
  return { rows, promotions: byBundle };
}

export async function findBundle(ctx: Ctx, id: string): Promise<(ListedBundle & { readonly promotions: readonly Promotion[] }) | null> {
  const [[row], history] = await Promise.all([listed(ctx).where(eq(bundles.id, id)), ctx.db.select().from(promotions).where(eq(promotions.bundleId, id)).orderBy(asc(promotions.seq))]);
  return row ? { ...row, promotions: history } : null;
}

/** Skills whose content this is, newest first. */
export const listBundlesOfDigest = (ctx: Ctx, digestKey: string, limit: number): Promise<ListedBundle[]> => listed(ctx).where(eq(bundles.digestKey, digestKey)).orderBy(desc(bundles.createdAt), desc(bundles.id)).limit(limit);

/** Published skills after `afterId`, in the order of their ids. */
export const listPublished = (ctx: Ctx, afterId: string, limit: number): Promise<ListedBundle[]> => listed(ctx).where(and(eq(bundles.status, "published"), gt(bundles.id, afterId))).orderBy(asc(bundles.id)).limit(limit);

export async function findSameBundle(ctx: Ctx, { name, release, digestKey }: Pick<Bundle, "name" | "release" | "digestKey">): Promise<Bundle | null> {
  return (await ctx.db.select().from(bundles).where(and(eq(bundles.name, name), eq(bundles.release, release), eq(bundles.digestKey, digestKey))).limit(1))[0] ?? null;
}

export async function isSource(ctx: Ctx, id: string): Promise<boolean> {
  return (await ctx.db.select({ id: sources.id }).from(sources).where(eq(sources.id, id)).limit(1)).length > 0;
}

export const insertBundle = (ctx: Ctx, bundle: NewBundle) => ctx.db.insert(bundles).values(bundle);

const unchanged = (bundle: Bundle) => and(eq(bundles.id, bundle.id), eq(bundles.version, bundle.version));

/** For guarded use: misses when the skill changed in between. */
export const updateBundleRow = (ctx: Ctx, bundle: Bundle, change: Partial<NewBundle>) =>
  ctx.db
    .update(bundles)
    .set({ ...change, version: bundle.version + 1 })
    .where(unchanged(bundle));

/** Adds to the plan: the skill and what belongs to it alone are gone. Its content is cleaned up when nobody has had it for a while. */
export function deleteBundle(ctx: Ctx, plan: Plan, bundle: Bundle): void {
  plan
    .guarded(ctx.db.delete(bundles).where(unchanged(bundle)))
    .write(ctx.db.delete(promotions).where(eq(promotions.bundleId, bundle.id)))
    .write(ctx.db.delete(scans).where(eq(scans.bundleId, bundle.id)))
    .write(releaseContent(ctx, bundle.digestKey));
}

/** A skill lets go of a content: from now on it may count as unused. */
export const releaseContent = (ctx: Ctx, digestKey: string) => ctx.db.update(contents).set({ updatedAt: ctx.clock.now() }).where(and(eq(contents.sha256, digestKey), ne(contents.state, "removing")));

/** A condition for {@link Plan.require}: this content is stored and this skill's scan of it passed. */
export const mayBePublished = (bundleId: string, digestKey: string): SQL =>
  sql`(SELECT count(*) = 1 FROM ${scans} INNER JOIN ${contents} ON ${contents.sha256} = ${scans.digestKey} WHERE ${scans.bundleId} = ${bundleId} AND ${scans.digestKey} = ${digestKey} AND ${scans.status} = 'passed' AND ${contents.state} = 'stored')`;

export async function isPublishable(ctx: Ctx, bundleId: string, digestKey: string): Promise<boolean> {
  const [row] = await ctx.db.select({ ok: sql<number>`${mayBePublished(bundleId, digestKey)}` }).from(bundles).where(eq(bundles.id, bundleId));
  return row?.ok === 1;
}

export interface PromotionInput {
  readonly fromScope: SkillScope;
  readonly toScope: SkillScope;
  readonly promotedBy: string;
  readonly status: Promotion["status"];
  readonly notes?: string | undefined;
}

/** Adds to the plan: the history of a skill is this. All in one statement, however many: a statement's parameters are few. */
export function replacePromotions(ctx: Ctx, plan: Plan, bundleId: string, history: readonly PromotionInput[]): void {
  plan.write(ctx.db.delete(promotions).where(eq(promotions.bundleId, bundleId)));
  if (history.length === 0) return;
  const now = ctx.clock.now();
  const rows = history.map((one) => ({ ...one, id: newId("prm", now) }));
  const field = (name: keyof (typeof rows)[number]) => sql`json_extract(value, ${sql.raw(`'$.${name}'`)})`;
  plan.write(
    ctx.db.insert(promotions).select(sql`SELECT NULL, ${field("id")}, ${bundleId}, ${field("fromScope")}, ${field("toScope")}, ${field("promotedBy")}, ${field("status")}, ${field("notes")}, ${now} FROM json_each(${JSON.stringify(rows)}) ORDER BY key`),
  );
}

/** The last scan of a content is what counts. */
export const upsertScan = (ctx: Ctx, scan: Scan) => {
  const { status, scanner, findings, reason, scannedAt } = scan;
  return ctx.db.insert(scans).values(scan).onConflictDoUpdate({ target: [scans.bundleId, scans.digestKey], set: { status, scanner, findings, reason, scannedAt } });
};

/** A condition for {@link Plan.require}: the skill is there and still has this digest. */
export const hasDigest = (bundleId: string, digestKey: string): SQL => sql`EXISTS (SELECT 1 FROM ${bundles} WHERE ${bundles.id} = ${bundleId} AND ${bundles.digestKey} = ${digestKey})`;

export async function findContent(ctx: Ctx, sha256: string): Promise<Content | null> {
  return (await ctx.db.select().from(contents).where(eq(contents.sha256, sha256)).limit(1))[0] ?? null;
}

/** Marks a content whose bytes are about to be stored. @returns false while its old bytes are being removed */
export async function beginStoring(ctx: Ctx, row: Pick<Content, "sha256" | "sizeBytes" | "contentType">): Promise<boolean> {
  const now = ctx.clock.now();
  const marked = await ctx.db
    .insert(contents)
    .values({ ...row, state: "storing", createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: contents.sha256, set: { updatedAt: now }, setWhere: ne(contents.state, "removing") })
    .returning({ sha256: contents.sha256 });
  return marked.length > 0;
}

/** For guarded use: the bytes are there. Misses when they were removed in between. */
export const markStored = (ctx: Ctx, sha256: string) => ctx.db.update(contents).set({ state: "stored", updatedAt: ctx.clock.now() }).where(and(eq(contents.sha256, sha256), ne(contents.state, "removing")));

/** The file store does not have it any more. */
export async function markLost(ctx: Ctx, sha256: string): Promise<void> {
  await ctx.db.update(contents).set({ state: "storing" }).where(and(eq(contents.sha256, sha256), eq(contents.state, "stored")));
}

const isUnused = (ctx: Ctx) => or(ne(contents.state, "stored"), notExists(ctx.db.select({ id: bundles.id }).from(bundles).where(eq(bundles.digestKey, contents.sha256))));

/** Takes contents for removal that nobody has had since `before` (ms), and those whose removal broke off. From now on they are not stored until they are gone. */
export async function takeUnusedContents(ctx: Ctx, before: number, limit: number): Promise<string[]> {
  const unused = ctx.db.select({ sha256: contents.sha256 }).from(contents).where(and(lt(contents.updatedAt, before), isUnused(ctx))).orderBy(asc(contents.updatedAt)).limit(limit);
  const taken = await ctx.db.update(contents).set({ state: "removing" }).where(inArray(contents.sha256, unused)).returning({ sha256: contents.sha256 });
  return taken.map(({ sha256 }) => sha256);
}

export async function forgetContent(ctx: Ctx, sha256: string): Promise<void> {
  await ctx.db.delete(contents).where(and(eq(contents.sha256, sha256), eq(contents.state, "removing")));
}

/** The skills that a tenant's own list narrows its grants to; null for no list. */
export async function findSkillAllowlist(ctx: Ctx, tenant: string): Promise<readonly string[] | null> {
  const [row] = await ctx.db.select({ list: governanceTenants.skillAllowlist }).from(governanceTenants).where(eq(governanceTenants.name, tenant)).limit(1);
  return row?.list ?? null;
}
