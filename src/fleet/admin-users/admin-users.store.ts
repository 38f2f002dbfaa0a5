import { and, asc, desc, eq, inArray, isNull, sql, type SQL } from "drizzle-orm";
import { oneTimeCodes, users } from "../../schema/accounts";
import type { Ctx } from "../../kernel/context";
import { fromNearerEnd } from "../../kernel/db/nearer-end";
import type { Account } from "../accounts";
import { endOfPrefix, type Search } from "./admin-users.core";

/** What administrators read and change of people. Every statement but the list's names the person. */

/** Nobody pages to the end of more: counting reads every row that it counts. */
export const COUNTED_MAX = 10_000;

export interface UserFilter {
  readonly search: Search | null;
  readonly includeDeleted: boolean;
  readonly status: Account["status"] | null;
  readonly role: Account["role"] | null;
  readonly verified: boolean | null;
}

/** One look-up in an index each; together whoever fits in any way. */
function found({ matrixId, domain, id, prefix, namePrefix }: Search): SQL {
  const begins = (start: string | undefined, ...columns: readonly SQL[]): SQL[] => (start === undefined ? [] : columns.map((column) => sql`${column} >= ${start} AND ${column} < ${endOfPrefix(start)}`));
  const ways = [
    ...(matrixId === undefined ? [] : [sql`matrix_id = ${matrixId}`]),
    ...(domain === undefined ? [] : [sql`email_domain = ${domain}`]),
    ...(id === undefined ? [] : [sql`id = ${id}`]),
    ...begins(prefix, sql`email_key`, sql`username`),
    ...begins(namePrefix, sql`lower(name)`, sql`lower(display_name)`),
  ];
  const [only, ...more] = ways;
  if (only && more.length === 0) return only;
  return sql`${users.id} IN (${sql.join(ways.map((way) => sql`SELECT id FROM users WHERE ${way}`), sql` UNION `)})`;
}

const wanted = ({ search, includeDeleted, status, role, verified }: UserFilter): SQL | undefined =>
  and(
    ...(search ? [found(search)] : []),
    // One of these three at most decides where the reading goes; the others are looked at in the rows.
    ...(includeDeleted || status !== null ? [] : [isNull(users.deletedAt)]),
    ...(status === null ? [] : [eq(users.status, status)]),
    ...(role === null ? [] : [eq(users.role, role)]),
    ...(verified === null ? [] : [eq(users.accountVerified, verified)]),
  );

/** A page of users, newest first; `reversed`: oldest first, counted from the end. */
export const userPageStatement = (ctx: Pick<Ctx, "db">, filter: UserFilter, page: { readonly limit: number; readonly offset: number; readonly reversed?: boolean }) =>
  ctx.db.select().from(users).where(wanted(filter)).orderBy(page.reversed ? asc(users.id) : desc(users.id)).limit(page.limit).offset(page.offset);

/** How many there are, up to {@link COUNTED_MAX} and one. */
export const userCountStatement = (ctx: Pick<Ctx, "db">, filter: UserFilter) =>
  ctx.db.select({ n: sql<number>`count(*)` }).from(ctx.db.select({ id: users.id }).from(users).where(wanted(filter)).limit(COUNTED_MAX + 1).as("counted"));

/** Both in one round trip; `known` spares the counting. */
export async function listUserRows(ctx: Ctx, filter: UserFilter, page: { readonly limit: number; readonly offset: number }, known: number | null): Promise<{ readonly rows: readonly Account[]; readonly total: number }> {
  if (known !== null) {
    // What was counted to its end can be read from there.
    const near = known > COUNTED_MAX ? { ...page, reversed: false } : fromNearerEnd(known, page);
    const rows = await userPageStatement(ctx, filter, near);
    return { rows: near.reversed ? rows.toReversed() : rows, total: known };
  }
  const [rows, [counted]] = await ctx.db.batch([userPageStatement(ctx, filter, page), userCountStatement(ctx, filter)]);
  return { rows, total: counted?.n ?? 0 };
}

/** Somebody, and the role of the administrator who asks, as both are now. */
export async function findUserFor(ctx: Ctx, userId: number, actorId: number): Promise<{ readonly user: Account | null; readonly actorRole: Account["role"] }> {
  const rows = await ctx.db.select().from(users).where(inArray(users.id, [userId, actorId]));
  return { user: rows.find(({ id }) => id === userId) ?? null, actorRole: rows.find(({ id }) => id === actorId)?.role ?? "user" };
}

type Change = Partial<
  Pick<Account, "name" | "displayName" | "phoneNumber" | "phoneKey" | "autoDestructTime" | "accountVerified" | "subscriptionNote" | "username" | "matrixId" | "status" | "deletionStatus" | "deletedAt" | "passwordHash" | "role">
>;

/** Guarded: misses when the row changed since it was read. `endTokens`: every access token dies. */
export const changeUser = (ctx: Ctx, user: Account, change: Change, { endTokens = false } = {}) => {
  const now = ctx.clock.now();
  return ctx.db
    .update(users)
    .set({ ...change, ...(endTokens ? { tokenEpoch: sql<number>`${users.tokenEpoch} + 1`, epochRaisedAt: now } : {}), updatedAt: now, version: user.version + 1 })
    .where(and(eq(users.id, user.id), eq(users.version, user.version)));
};

/** Condition of a commit: no Matrix account of this person was made or is being made. */
export const hasNoMatrixAccount = (userId: number): SQL => sql`EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND matrix_account_created = 0 AND matrix_claimed_at IS NULL)`;

/** Whether somebody else has this user name. */
export async function isUsernameTaken(ctx: Ctx, username: string, userId: number): Promise<boolean> {
  const [row] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.username, username)).limit(1);
  return row !== undefined && row.id !== userId;
}

/** Whose row the same batch makes. */
export const idOfSub = (sub: string): SQL<number> => sql<number>`(SELECT ${users.id} FROM ${users} WHERE ${users.sub} = ${sub})`;

/** The code with which somebody invited chooses a password; their row is made by the same batch. */
export const insertInviteCode = (ctx: Ctx, sub: string, code: { readonly codeHash: string; readonly expiresAt: number; readonly sentAt: number }) =>
  ctx.db
    .insert(oneTimeCodes)
    .values({ tenantId: idOfSub(sub), purpose: "reset_password", ...code })
    .onConflictDoUpdate({ target: [oneTimeCodes.tenantId, oneTimeCodes.purpose], set: { ...code, attempts: 0 } });

/** Codes that were mailed to whoever claimed the address before. */
export const forgetCodes = (ctx: Ctx, tenantId: number) => ctx.db.delete(oneTimeCodes).where(eq(oneTimeCodes.tenantId, tenantId));

export function listAdministratorRows(ctx: Ctx): Promise<Account[]> {
  return ctx.db.select().from(users).where(inArray(users.role, ["admin", "superadmin"])).orderBy(users.id);
}
