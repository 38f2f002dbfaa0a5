import { and, asc, eq, isNull, lte, or, sql } from "drizzle-orm";
import { users } from "../../schema/accounts";
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
};

export type MatrixPerson = NonNullable<Awaited<ReturnType<typeof findMatrixPerson>>>;

export async function findMatrixPerson(ctx: Ctx, tenantId: number) {
  return (await ctx.db.select(person).from(users).where(eq(users.id, tenantId)).limit(1))[0] ?? null;
}

/** Verified people without an account there, oldest first, of those whose number leaves `rest` when divided by `parts`. */
export async function listPeopleWithoutAccount(ctx: Ctx, rest: number, parts: number, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.matrixAccountCreated, false), eq(users.accountVerified, true), eq(users.status, "active"), sql`${users.id} % ${parts} = ${rest}`))
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
  ctx.db.update(users).set({ matrixAccountCreated: true, matrixPasswordStale: passwordStale }).where(eq(users.id, tenantId));

export const markPasswordStale = (ctx: Ctx, tenantId: number, stale: boolean) => ctx.db.update(users).set({ matrixPasswordStale: stale }).where(and(eq(users.id, tenantId), eq(users.matrixAccountCreated, true)));
