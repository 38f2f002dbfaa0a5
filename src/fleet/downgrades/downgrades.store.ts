import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { fromNearerEnd } from "../../kernel/db/nearer-end";
import { startsWith } from "../../kernel/db/prefix";
import { users } from "../../schema/accounts";
import { rowCounts } from "../../schema/admin";
import { downgradeRequests, upgradeRequests, userSubscriptions } from "../../schema/billing";

/** SQL of downgrades. Every query names the tenant, save those of administrators and of the cron. */

export type DowngradeRow = typeof downgradeRequests.$inferSelect;
export type SubscriptionRow = typeof userSubscriptions.$inferSelect;
type DowngradeInsert = typeof downgradeRequests.$inferInsert;

const IN_FORCE = ["trialing", "active", "past_due", "grace"] as const;
const SUBSCRIPTIONS_MAX = 200;

/** A person as far as plans go: subscriptions newest first, and what is open. Null when there is no such account. */
export async function readAccount(ctx: Ctx, tenantId: number) {
  const [people, subscriptions, downgrades, upgrades] = await ctx.db.batch([
    ctx.db.select({ planKey: users.planKey, trialEndsAt: users.trialEndsAt, subscriptionPriceId: users.subscriptionPriceId }).from(users).where(and(eq(users.id, tenantId), eq(users.status, "active"))).limit(1),
    ctx.db.select().from(userSubscriptions).where(eq(userSubscriptions.tenantId, tenantId)).orderBy(desc(userSubscriptions.createdAt), desc(userSubscriptions.id)).limit(SUBSCRIPTIONS_MAX),
    ctx.db.select().from(downgradeRequests).where(and(eq(downgradeRequests.tenantId, tenantId), isNull(downgradeRequests.resolvedAt))).limit(1),
    ctx.db.select().from(upgradeRequests).where(and(eq(upgradeRequests.tenantId, tenantId), isNull(upgradeRequests.resolvedAt))).limit(1),
  ]);
  const [person] = people;
  return person ? { person, subscriptions, downgrade: downgrades[0] ?? null, upgrade: upgrades[0] ?? null } : null;
}
export type Account = NonNullable<Awaited<ReturnType<typeof readAccount>>>;

export async function findDowngrade(ctx: Ctx, tenantId: number, id: string): Promise<DowngradeRow | null> {
  return (await ctx.db.select().from(downgradeRequests).where(and(eq(downgradeRequests.id, id), eq(downgradeRequests.tenantId, tenantId))).limit(1))[0] ?? null;
}

/** Whose-ever it is: for the queue. */
export async function findDowngradeRow(ctx: Ctx, id: string): Promise<DowngradeRow | null> {
  return (await ctx.db.select().from(downgradeRequests).where(eq(downgradeRequests.id, id)).limit(1))[0] ?? null;
}

/** Meets the index of open requests when one is open already. */
export const insertDowngrade = (ctx: Ctx, row: DowngradeInsert) => ctx.db.insert(downgradeRequests).values(row);

const unchanged = (row: DowngradeRow) => and(eq(downgradeRequests.id, row.id), eq(downgradeRequests.tenantId, row.tenantId), eq(downgradeRequests.version, row.version));

/** Guarded by `version`. */
export const updateDowngrade = (ctx: Ctx, row: DowngradeRow, changes: Partial<DowngradeInsert>, now: number) =>
  ctx.db
    .update(downgradeRequests)
    .set({ ...changes, updatedAt: now, version: row.version + 1 })
    .where(unchanged(row));

/** Guarded by `version`. */
export const deleteDowngrade = (ctx: Ctx, row: DowngradeRow) => ctx.db.delete(downgradeRequests).where(unchanged(row));

/** Requests whose grace is over, longest waiting first. */
export async function listGracesOver(ctx: Ctx, now: number, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: downgradeRequests.id })
    .from(downgradeRequests)
    .where(and(isNull(downgradeRequests.resolvedAt), lte(downgradeRequests.graceEndsAt, now)))
    .orderBy(asc(downgradeRequests.graceEndsAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** People with an open request whose plan a provider lowers, those whose grace ends soonest first. */
export async function listWaitingForProvider(ctx: Ctx, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .select({ tenantId: downgradeRequests.tenantId })
    .from(downgradeRequests)
    .where(and(isNull(downgradeRequests.resolvedAt), eq(downgradeRequests.lowersPlan, false)))
    .orderBy(asc(downgradeRequests.graceEndsAt))
    .limit(limit);
  return rows.map(({ tenantId }) => tenantId);
}

const mine = (tenantId: number) => eq(userSubscriptions.tenantId, tenantId);
const markedBy = (tenantId: number, requestId: string) => and(mine(tenantId), eq(userSubscriptions.downgradeRequestId, requestId));

/** Whatever carries a plan of somebody ends; what it was is kept beside the request, if there is one, for taking it back. */
export const endSubscriptions = (ctx: Ctx, tenantId: number, requestId: string | null, now: number) =>
  ctx.db
    .update(userSubscriptions)
    .set({ statusBefore: sql`${userSubscriptions.status}`, status: "canceled", downgradeRequestId: requestId, updatedAt: now, version: sql`${userSubscriptions.version} + 1` })
    .where(and(mine(tenantId), inArray(userSubscriptions.status, [...IN_FORCE])));

/** Condition for a plan of writes: the subscriptions are still those that we read, in the state that we read. */
export const subscriptionsAre = (ctx: Ctx, tenantId: number, rows: readonly SubscriptionRow[]): SQL =>
  sql`(${ctx.db.select({ sum: sql`count(*) * 1000000 + coalesce(sum(${userSubscriptions.version}), 0)` }).from(userSubscriptions).where(mine(tenantId))}) = ${rows.length * 1_000_000 + rows.reduce((sum, row) => sum + row.version, 0)}`;

/** A plan that we gave. */
export const insertOverride = (ctx: Ctx, row: typeof userSubscriptions.$inferInsert) => ctx.db.insert(userSubscriptions).values(row);

/** Takes {@link endSubscriptions} back, as far as no provider has told otherwise since. */
export const restoreSubscriptions = (ctx: Ctx, tenantId: number, requestId: string, now: number) =>
  ctx.db
    .update(userSubscriptions)
    .set({ status: sql`${userSubscriptions.statusBefore}`, updatedAt: now, version: sql`${userSubscriptions.version} + 1` })
    .where(and(markedBy(tenantId, requestId), eq(userSubscriptions.status, "canceled"), isNotNull(userSubscriptions.statusBefore), isNull(userSubscriptions.endedAt)));

/** Forgets which rows a request changed. */
export const unmarkSubscriptions = (ctx: Ctx, tenantId: number, requestId: string) =>
  ctx.db
    .update(userSubscriptions)
    .set({ statusBefore: null, downgradeRequestId: null })
    .where(and(markedBy(tenantId, requestId), isNotNull(userSubscriptions.statusBefore)));

/** The row that a request made: it bears the request's id. */
export const deleteOverride = (ctx: Ctx, tenantId: number, requestId: string) => ctx.db.delete(userSubscriptions).where(and(mine(tenantId), eq(userSubscriptions.source, "admin_override"), eq(userSubscriptions.id, requestId)));

export const setPriceOfAccount = (ctx: Ctx, tenantId: number, priceId: string | null) => ctx.db.update(users).set({ subscriptionPriceId: priceId }).where(eq(users.id, tenantId));

/** Names of kept counts: `downgrade_requests.<state>.<reason>`. */
const COUNTED_AS = "downgrade_requests.";

interface ListFilter {
  readonly status: "all" | "open" | "resolved";
  readonly reason: DowngradeRow["reason"] | null;
}

const listed = ({ status, reason }: ListFilter) =>
  and(
    status === "all" ? undefined : status === "open" ? isNull(downgradeRequests.resolvedAt) : isNotNull(downgradeRequests.resolvedAt),
    reason === null ? undefined : eq(downgradeRequests.reason, reason),
  );

const countListed = (ctx: Ctx) => ctx.db.select().from(rowCounts).where(startsWith(sql`${rowCounts.name}`, COUNTED_AS));

/** Adds up what triggers count, by whether it is open and by reason. */
const totalOf = (counts: readonly (typeof rowCounts.$inferSelect)[], { status, reason }: ListFilter): number =>
  counts.reduce((sum, { name, n }) => {
    const [, state, why] = name.split(".");
    return (status === "all" || status === state) && (reason === null || reason === why) ? sum + n : sum;
  }, 0);

/** Skips by the index, and only then reads requests and people. */
function downgradePage(ctx: Ctx, filter: ListFilter, { offset, limit, reversed }: ReturnType<typeof fromNearerEnd>) {
  const [time, id] = reversed ? [asc(downgradeRequests.createdAt), desc(downgradeRequests.id)] : [desc(downgradeRequests.createdAt), asc(downgradeRequests.id)];
  const page = ctx.db.select({ id: downgradeRequests.id }).from(downgradeRequests).where(listed(filter)).orderBy(time, id).limit(limit).offset(offset).as("page");
  return ctx.db
    .select({ request: downgradeRequests, email: users.email, username: users.username })
    .from(page)
    // A cross join is read in this order: the page decides which requests are looked at.
    .crossJoin(downgradeRequests)
    .leftJoin(users, eq(users.id, downgradeRequests.tenantId))
    .where(eq(downgradeRequests.id, page.id))
    .orderBy(desc(downgradeRequests.createdAt), asc(downgradeRequests.id));
}

/** Of everybody, newest first: for administrators. */
export async function listDowngrades(ctx: Ctx, filter: ListFilter, page: { readonly limit: number; readonly offset: number }) {
  if (page.offset === 0) {
    const [rows, counts] = await ctx.db.batch([downgradePage(ctx, filter, { ...page, reversed: false }), countListed(ctx)]);
    return { rows, total: totalOf(counts, filter) };
  }
  const total = totalOf(await countListed(ctx), filter);
  return { rows: await downgradePage(ctx, filter, fromNearerEnd(total, page)), total };
}
