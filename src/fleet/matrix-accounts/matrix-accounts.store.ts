import { and, asc, eq, inArray, isNotNull, isNull, lte, notLike, or, sql } from "drizzle-orm";
import { users } from "../../schema/accounts";
import { bots } from "../../schema/bots";
import type { Ctx } from "../../kernel/context";

/** What people's Matrix accounts are about. These columns change beside everything else, so they leave the row's version alone. */

const person = {
  id: users.id,
  sub: users.sub,
  username: users.username,
  matrixId: users.matrixId,
  name: users.name,
  displayName: users.displayName,
  status: users.status,
  accountVerified: users.accountVerified,
  created: users.matrixAccountCreated,
  claimedAt: users.matrixClaimedAt,
  passwordStale: users.matrixPasswordStale,
  matrixStatus: users.matrixStatus,
};

/** People without a user name have no Matrix id either; what stands in their rows begins with a dash. */
const hasName = notLike(users.username, "-%");

export type MatrixPerson = NonNullable<Awaited<ReturnType<typeof findMatrixPerson>>>;

/** Null also for people without a user name. */
export async function findMatrixPerson(ctx: Ctx, tenantId: number) {
  return (await ctx.db.select(person).from(users).where(and(eq(users.id, tenantId), hasName)).limit(1))[0] ?? null;
}

/** Verified people without an account there, oldest first, of those whose number leaves `rest` when divided by `parts`. */
export async function listPeopleWithoutAccount(ctx: Ctx, rest: number, parts: number, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.matrixAccountCreated, false), eq(users.accountVerified, true), eq(users.status, "active"), hasName, sql`${users.id} % ${parts} = ${rest}`))
    .orderBy(asc(users.id))
    .limit(limit);
  return rows.map((row) => row.id);
}

/** Takes the making of an account, unless somebody else is at it. Guarded: two at once would leave a password that neither knows of. */
export const claimAccount = (ctx: Ctx, person: MatrixPerson, leaseMs: number) => {
  const now = ctx.clock.now();
  return ctx.db
    .update(users)
    .set({ matrixClaimedAt: now })
    .where(and(eq(users.id, person.id), eq(users.matrixAccountCreated, false), or(isNull(users.matrixClaimedAt), lte(users.matrixClaimedAt, now - leaseMs))));
};

export const markAccountCreated = (ctx: Ctx, tenantId: number, passwordStale: boolean) =>
  ctx.db.update(users).set({ matrixAccountCreated: true, matrixStatus: "active", matrixPasswordStale: passwordStale }).where(eq(users.id, tenantId));

export const markPasswordStale = (ctx: Ctx, tenantId: number, stale: boolean) => ctx.db.update(users).set({ matrixPasswordStale: stale }).where(and(eq(users.id, tenantId), eq(users.matrixAccountCreated, true)));

/** What the homeserver has of somebody's account now. */
export const markMatrixStatus = (ctx: Ctx, tenantId: number, matrixStatus: NonNullable<MatrixPerson["matrixStatus"]>) =>
  ctx.db.update(users).set({ matrixStatus }).where(and(eq(users.id, tenantId), eq(users.matrixAccountCreated, true)));

/** The homeserver lost the account: there is none of ours, and whoever takes the name there now is somebody else. Guarded by that state. */
export const forgetLostAccount = (ctx: Ctx, tenantId: number) =>
  ctx.db.update(users).set({ matrixAccountCreated: false, matrixClaimedAt: null, matrixStatus: null }).where(and(eq(users.id, tenantId), eq(users.matrixAccountCreated, true), eq(users.matrixStatus, "missing")));

/** {@link markMatrixStatus} by the account's own name. */
export const markMatrixStatusOf = (ctx: Ctx, matrixId: string, matrixStatus: NonNullable<MatrixPerson["matrixStatus"]>) =>
  ctx.db.update(users).set({ matrixStatus }).where(and(eq(users.matrixId, matrixId), eq(users.matrixAccountCreated, true)));

/** Whether a person or a bot in use has this name on the homeserver, or is about to. */
export async function isInUse(ctx: Ctx, matrixId: string): Promise<boolean> {
  const person = ctx.db.select({ id: users.id }).from(users).where(and(eq(users.matrixId, matrixId), eq(users.status, "active"), or(eq(users.matrixAccountCreated, true), isNotNull(users.matrixClaimedAt)))).limit(1);
  const bot = ctx.db.select({ id: bots.id }).from(bots).where(and(eq(bots.matrixId, matrixId), inArray(bots.status, ["creating", "active"]))).limit(1);
  return (await ctx.db.batch([person, bot])).some((rows) => rows.length > 0);
}
