import { and, asc, count, desc, eq, getTableColumns, isNotNull, isNull, lt, lte, ne, notInArray, or, sql, type SQL } from "drizzle-orm";
import { DAY_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { governanceMcpServers } from "../../schema/governance-mcp";
import { governanceSourceItems as items, governanceSources as sources } from "../../schema/governance-skills";

export type Source = typeof sources.$inferSelect;
type NewSource = typeof sources.$inferInsert;
export type Item = typeof items.$inferSelect;
export type NewServer = typeof governanceMcpServers.$inferInsert;

/** What keeps names apart, for the verbs that name the refusal. */
export const SOURCE_UNIQUE = "governance_sources.name";
export const SERVER_UNIQUE = "governance_mcp_servers.name";

/** Items of one statement: some hundred kilobytes of JSON. */
const ITEMS_AT_ONCE = 100;
/** What went upstream, and was never installed, is forgotten after this. */
const KEEP_GONE_MS = 30 * DAY_MS;

/** A source with items, and how many it has. */
export interface ListedSource {
  readonly source: Source;
  readonly items: readonly Item[];
  readonly count: number;
}

/** All sources, newest first, each with its first `itemLimit` items. */
export async function listSources(ctx: Ctx, itemLimit: number): Promise<readonly ListedSource[]> {
  const ranked = ctx.db
    .select({ ...getTableColumns(items), rank: sql<number>`row_number() OVER (PARTITION BY ${items.sourceId} ORDER BY ${items.createdAt}, ${items.id})`.as("rank") })
    .from(items)
    .as("ranked");
  const [all, some, counts] = await ctx.db.batch([
    ctx.db.select().from(sources).orderBy(desc(sources.createdAt), desc(sources.id)),
    ctx.db.select().from(ranked).where(lte(ranked.rank, itemLimit)).orderBy(asc(ranked.sourceId), asc(ranked.rank)),
    ctx.db.select({ sourceId: items.sourceId, n: count() }).from(items).groupBy(items.sourceId),
  ]);
  const bySource = new Map<string, Item[]>();
  for (const { rank: _, ...item } of some) {
    const list = bySource.get(item.sourceId);
    if (list) list.push(item);
    else bySource.set(item.sourceId, [item]);
  }
  const countOf = new Map(counts.map(({ sourceId, n }) => [sourceId, n]));
  return all.map((source) => ({ source, items: bySource.get(source.id) ?? [], count: countOf.get(source.id) ?? 0 }));
}

export async function findSource(ctx: Ctx, id: string): Promise<Source | null> {
  return (await ctx.db.select().from(sources).where(eq(sources.id, id)).limit(1))[0] ?? null;
}

/** Oldest first. */
export const listItems = (ctx: Ctx, sourceId: string, limit: number): Promise<Item[]> => ctx.db.select().from(items).where(eq(items.sourceId, sourceId)).orderBy(asc(items.createdAt), asc(items.id)).limit(limit);

export async function countItems(ctx: Ctx, sourceId: string): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(items).where(eq(items.sourceId, sourceId)))[0]?.n ?? 0;
}

export async function findItem(ctx: Ctx, sourceId: string, id: string): Promise<Item | null> {
  return (await ctx.db.select().from(items).where(and(eq(items.id, id), eq(items.sourceId, sourceId))).limit(1))[0] ?? null;
}

export const insertSource = (ctx: Ctx, source: NewSource) => ctx.db.insert(sources).values(source);

const unchanged = (source: Source) => and(eq(sources.id, source.id), eq(sources.version, source.version));

/** For guarded use: misses when the source changed in between. */
export const updateSourceRow = (ctx: Ctx, source: Source, change: Partial<NewSource>) =>
  ctx.db
    .update(sources)
    .set({ ...change, version: source.version + 1 })
    .where(unchanged(source));

/** Adds to the plan: the source and its items are gone. What was installed from it stays. */
export function deleteSource(ctx: Ctx, plan: Plan, source: Source): void {
  plan.guarded(ctx.db.delete(sources).where(unchanged(source))).write(ctx.db.delete(items).where(eq(items.sourceId, source.id)));
}

/** For guarded use. */
export const updateItemRow = (ctx: Ctx, item: Item, change: Partial<Item>) =>
  ctx.db
    .update(items)
    .set({ ...change, updatedAt: ctx.clock.now(), version: item.version + 1 })
    .where(and(eq(items.id, item.id), eq(items.version, item.version)));

/** A thing as it is written. */
export interface ItemInput {
  readonly kind: Item["kind"];
  readonly name: string;
  readonly upstreamId: string;
  readonly version?: string | null | undefined;
  readonly digest?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Things in lists that one statement can take. */
export const inStatements = (list: readonly ItemInput[]): readonly (readonly ItemInput[])[] => Array.from({ length: Math.ceil(list.length / ITEMS_AT_ONCE) }, (_, i) => list.slice(i * ITEMS_AT_ONCE, (i + 1) * ITEMS_AT_ONCE));

function insertItems(ctx: Ctx, sourceId: string, origin: Item["origin"], writer: string, list: readonly ItemInput[]) {
  const now = ctx.clock.now();
  const rows = list.map(({ kind, name, upstreamId, version, digest, metadata }) => ({ id: newId("itm", now), kind, name, upstreamId, release: version ?? null, digest: digest ?? null, metadata: metadata ? JSON.stringify(metadata) : null }));
  const field = (name: keyof (typeof rows)[number]) => sql`json_extract(value, ${sql.raw(`'$.${name}'`)})`;
  // Without WHERE the parser takes ON for that of a join.
  return ctx.db
    .insert(items)
    .select(
      sql`SELECT ${field("id")}, ${sourceId}, ${field("kind")}, ${field("name")}, ${field("upstreamId")}, ${field("release")}, ${field("digest")}, ${field("metadata")}, ${origin}, 'discovered', NULL, ${writer}, ${now}, ${now}, 1 FROM json_each(${JSON.stringify(rows)}) WHERE true ORDER BY key`,
    );
}

const excluded = (column: string): SQL => sql.raw(`excluded.${column}`);
const facts = { name: excluded("name"), release: excluded("release"), digest: excluded("digest"), metadata: excluded("metadata"), updatedAt: excluded("updated_at"), version: sql`${items.version} + 1` };
const target = [items.sourceId, items.kind, items.upstreamId];

/** Adds to the plan: of what callers wrote into a source this is all. What a sync found stays what it is; facts about it are taken over. */
export function replaceCallersItems(ctx: Ctx, plan: Plan, sourceId: string, list: readonly ItemInput[]): void {
  const writer = newId("put", ctx.clock.now());
  for (const some of inStatements(list)) {
    plan.write(insertItems(ctx, sourceId, "caller", writer, some).onConflictDoUpdate({ target, set: { ...facts, seenBy: sql`CASE ${items.origin} WHEN 'caller' THEN excluded.seen_by ELSE ${items.seenBy} END` } }));
  }
  plan.write(ctx.db.delete(items).where(and(eq(items.sourceId, sourceId), eq(items.origin, "caller"), ne(items.seenBy, writer))));
}

const isSame = sql`${items.release} IS excluded.release AND ${items.digest} IS excluded.digest`;
/** A new version of what was approved is no longer approved; what comes back as it was is again what it was. */
const statusAfterSync = sql`CASE WHEN ${items.status} = 'approved' AND NOT (${isSame}) THEN 'discovered' WHEN ${items.status} = 'gone' THEN CASE WHEN ${items.installedId} IS NOT NULL AND ${isSame} THEN 'approved' ELSE 'discovered' END ELSE ${items.status} END`;

/** What the sync `run` found. */
export const upsertFoundItems = (ctx: Ctx, sourceId: string, run: string, list: readonly ItemInput[]) =>
  insertItems(ctx, sourceId, "sync", run, list).onConflictDoUpdate({ target, set: { ...facts, origin: "sync", seenBy: excluded("seen_by"), status: statusAfterSync } });

/** Adds to the plan: what earlier syncs found and `run` did not is gone, save what was refused, which stays so; what has been gone for long is forgotten, unless it was installed. */
export function markGone(ctx: Ctx, plan: Plan, sourceId: string, run: string): void {
  const now = ctx.clock.now();
  plan
    .write(ctx.db.delete(items).where(and(eq(items.sourceId, sourceId), eq(items.status, "gone"), isNull(items.installedId), lt(items.updatedAt, now - KEEP_GONE_MS))))
    .write(
      ctx.db
        .update(items)
        .set({ status: "gone", updatedAt: now, version: sql`${items.version} + 1` })
        .where(and(eq(items.sourceId, sourceId), eq(items.origin, "sync"), notInArray(items.status, ["gone", "rejected"]), or(isNull(items.seenBy), ne(items.seenBy, run)))),
    );
}

/** Takes a source for one sync, unless another one has it or it may not be looked through. */
export async function takeLease(ctx: Ctx, id: string, run: string, until: number): Promise<Source | null> {
  const now = ctx.clock.now();
  const [taken] = await ctx.db
    .update(sources)
    .set({ leaseId: run, leaseUntil: until, status: "syncing", requestedAt: null, updatedAt: now, version: sql`${sources.version} + 1` })
    .where(and(eq(sources.id, id), ne(sources.status, "pending-approval"), ne(sources.kind, "manual-upload"), or(isNull(sources.leaseUntil), lt(sources.leaseUntil, now))))
    .returning();
  return taken ?? null;
}

/** A condition for {@link Plan.require}: the sync still has the source. */
export const holdsLease = (id: string, run: string): SQL => sql`EXISTS (SELECT 1 FROM ${sources} WHERE ${sources.id} = ${id} AND ${sources.leaseId} = ${run})`;

/** For guarded use: ends a sync that still has the source. */
export const endLease = (ctx: Ctx, id: string, run: string, change: Partial<NewSource>) =>
  ctx.db
    .update(sources)
    .set({ ...change, leaseId: null, leaseUntil: null, updatedAt: ctx.clock.now(), version: sql`${sources.version} + 1` })
    .where(and(eq(sources.id, id), eq(sources.leaseId, run)));

/** Approved sources that should be looked through now: planned, asked for, or broken off. */
export async function listDueSources(ctx: Ctx, limit: number): Promise<string[]> {
  const now = ctx.clock.now();
  const rows = await ctx.db
    .select({ id: sources.id })
    .from(sources)
    .where(
      and(
        ne(sources.status, "pending-approval"),
        ne(sources.kind, "manual-upload"),
        or(isNull(sources.leaseUntil), lt(sources.leaseUntil, now)),
        or(and(eq(sources.syncMode, "scheduled"), lte(sources.nextRunAt, now)), isNotNull(sources.requestedAt), isNotNull(sources.leaseUntil)),
      ),
    )
    .orderBy(asc(sources.nextRunAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** A server that was found, as nobody uses it yet. */
export const insertDraftServer = (ctx: Ctx, server: NewServer) => ctx.db.insert(governanceMcpServers).values(server);

/** The server of that name, if this source brought it. */
export async function findServerFrom(ctx: Ctx, sourceId: string, name: string): Promise<string | null> {
  return (await ctx.db.select({ id: governanceMcpServers.id }).from(governanceMcpServers).where(and(eq(governanceMcpServers.name, name), eq(governanceMcpServers.sourceId, sourceId))).limit(1))[0]?.id ?? null;
}
