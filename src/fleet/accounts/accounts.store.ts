import { and, eq, gt, isNull, lt, lte, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { externalIdentities, oneTimeCodes, users } from "../../schema/accounts";

export type Account = typeof users.$inferSelect;

/** What a sign-up decides about an account. */
export interface NewAccount {
  readonly sub: string;
  readonly email: string;
  readonly emailKey: string;
  readonly username: string;
  readonly name: string;
  readonly phoneNumber: string | null;
  readonly phoneKey: string | null;
  readonly matrixId: string;
  readonly passwordHash: string;
  readonly trialEndsAt: number;
  /** Set when somebody else proved the address for us. */
  readonly accountVerified?: true;
}

/** A code as stored: never the digits. */
export interface StoredCode {
  readonly codeHash: string;
  readonly expiresAt: number;
  readonly sentAt: number;
}

export type CodePurpose = typeof oneTimeCodes.$inferSelect.purpose;

const SIGNUP: CodePurpose = "verify_email";
const codeOf = (tenantId: number, purpose: CodePurpose) => and(eq(oneTimeCodes.tenantId, tenantId), eq(oneTimeCodes.purpose, purpose));

export async function findAccountById(ctx: Ctx, tenantId: number): Promise<Account | undefined> {
  return (await ctx.db.select().from(users).where(eq(users.id, tenantId)).limit(1))[0];
}

export async function findAccountByEmail(ctx: Ctx, emailKey: string): Promise<Account | undefined> {
  return (await ctx.db.select().from(users).where(eq(users.emailKey, emailKey)).limit(1))[0];
}

/** The account that any one of its three names belongs to. */
export async function findAccountByAlias(ctx: Ctx, alias: { readonly emailKey: string } | { readonly username: string } | { readonly matrixId: string }): Promise<Account | undefined> {
  const where = "emailKey" in alias ? eq(users.emailKey, alias.emailKey) : "username" in alias ? eq(users.username, alias.username) : eq(users.matrixId, alias.matrixId);
  return (await ctx.db.select().from(users).where(where).limit(1))[0];
}

/** No sign-in, no Matrix account made or begun, no outside identity: there is nothing that a new claimant could take. */
const neverUsed = sql<boolean>`(${users.lastSignedInAt} IS NULL AND ${users.matrixAccountCreated} = 0 AND ${users.matrixClaimedAt} IS NULL AND NOT EXISTS (SELECT 1 FROM ${externalIdentities} WHERE ${externalIdentities.tenantId} = ${users.id}))`;

/** Accounts that hold the address or the user name (at most two), with the end of their pending code. */
export function listHolders(ctx: Ctx, emailKey: string, username: string) {
  return ctx.db
    .select({
      id: users.id,
      emailKey: users.emailKey,
      username: users.username,
      version: users.version,
      accountVerified: users.accountVerified,
      status: users.status,
      codeExpiresAt: oneTimeCodes.expiresAt,
      neverUsed: neverUsed.mapWith(Boolean),
    })
    .from(users)
    .leftJoin(oneTimeCodes, and(eq(oneTimeCodes.tenantId, users.id), eq(oneTimeCodes.purpose, SIGNUP)))
    .where(or(eq(users.emailKey, emailKey), eq(users.username, username)));
}

export const insertAccount = (ctx: Ctx, account: NewAccount, nowMs: number) => ctx.db.insert(users).values({ ...account, createdAt: nowMs, updatedAt: nowMs });

/** Gives an abandoned row that nobody ever used to its new claimant. Guarded: a verification in between wins. */
export const replaceClaim = (ctx: Ctx, holder: { readonly id: number; readonly version: number }, account: NewAccount, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ displayName: null, ...account, createdAt: nowMs, updatedAt: nowMs, version: holder.version + 1 })
    .where(and(eq(users.id, holder.id), eq(users.version, holder.version), eq(users.accountVerified, false), neverUsed));

/** The sign-up code of the account with this subject, replacing an older one. The row id is looked up inside the batch, where it exists by then. */
export const upsertCodeBySub = (ctx: Ctx, sub: string, code: StoredCode) =>
  ctx.db
    .insert(oneTimeCodes)
    .values({ tenantId: sql<number>`(SELECT ${users.id} FROM ${users} WHERE ${users.sub} = ${sub})`, purpose: SIGNUP, ...code })
    .onConflictDoUpdate({ target: [oneTimeCodes.tenantId, oneTimeCodes.purpose], set: { ...code, attempts: 0 } });

/** {@link upsertCodeBySub} for guarded use: misses when a code was sent after `sentBefore`. */
export const upsertCodeAfterGap = (ctx: Ctx, tenantId: number, purpose: CodePurpose, code: StoredCode, sentBefore: number) =>
  ctx.db
    .insert(oneTimeCodes)
    .values({ tenantId, purpose, ...code })
    .onConflictDoUpdate({ target: [oneTimeCodes.tenantId, oneTimeCodes.purpose], set: { ...code, attempts: 0 }, setWhere: lte(oneTimeCodes.sentAt, sentBefore) });

/** Counts one try and answers the hash to compare with; nothing when the code expired or its tries are used up. Counting first keeps parallel guesses within the limit. */
export async function takeCodeTry(ctx: Ctx, tenantId: number, purpose: CodePurpose, tries: number, nowMs: number): Promise<string | undefined> {
  const [row] = await ctx.db
    .update(oneTimeCodes)
    .set({ attempts: sql`${oneTimeCodes.attempts} + 1` })
    .where(and(codeOf(tenantId, purpose), lt(oneTimeCodes.attempts, tries), gt(oneTimeCodes.expiresAt, nowMs)))
    .returning({ codeHash: oneTimeCodes.codeHash });
  return row?.codeHash;
}

/** Guarded: a code is spent once. */
export const deleteCode = (ctx: Ctx, tenantId: number, purpose: CodePurpose, codeHash: string) =>
  ctx.db.delete(oneTimeCodes).where(and(codeOf(tenantId, purpose), eq(oneTimeCodes.codeHash, codeHash)));

/** Guarded: the claim must still be the one whose code was compared. */
export const markVerified = (ctx: Ctx, account: Account, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ accountVerified: true, updatedAt: nowMs, version: account.version + 1 })
    .where(and(eq(users.id, account.id), eq(users.version, account.version), isNull(users.deletedAt)));

export const markSignedIn = (ctx: Ctx, tenantId: number, nowMs: number) => ctx.db.update(users).set({ lastSignedInAt: nowMs }).where(eq(users.id, tenantId));

export const markSignedOut = (ctx: Ctx, tenantId: number, nowMs: number) => ctx.db.update(users).set({ lastSignedOutAt: nowMs }).where(eq(users.id, tenantId));

/** Whether another account names this number. */
export async function isPhoneTaken(ctx: Ctx, phoneKey: string): Promise<boolean> {
  return (await ctx.db.select({ id: users.id }).from(users).where(eq(users.phoneKey, phoneKey)).limit(1)).length > 0;
}

/** The row as it was read, of an account that still lives. */
const asRead = (account: Account) => and(eq(users.id, account.id), eq(users.version, account.version), isNull(users.deletedAt));
/** Every access token of the account dies. */
const nextEpoch = (nowMs: number) => ({ tokenEpoch: sql<number>`${users.tokenEpoch} + 1`, epochRaisedAt: nowMs });

type ProfileChange = Partial<Pick<Account, "name" | "displayName" | "phoneNumber" | "phoneKey" | "autoDestructTime" | "agreedTerms" | "agreedPrivacy">>;

/** Guarded: misses when the account changed since it was read. */
export const updateProfileRow = (ctx: Ctx, account: Account, change: ProfileChange, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ ...change, updatedAt: nowMs, version: account.version + 1 })
    .where(asRead(account));

/** Guarded, as {@link updateProfileRow}. */
export const replacePassword = (ctx: Ctx, account: Account, passwordHash: string, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ passwordHash, ...nextEpoch(nowMs), updatedAt: nowMs, version: account.version + 1 })
    .where(asRead(account));

/** Guarded, as {@link updateProfileRow}. The address and the name stay taken. */
export const markDeleted = (ctx: Ctx, account: Account, deletionStatus: NonNullable<Account["deletionStatus"]>, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ status: "deleted", deletionStatus, deletedAt: nowMs, ...nextEpoch(nowMs), updatedAt: nowMs, version: account.version + 1 })
    .where(asRead(account));

/** Global sign-out. Never competes with other changes, so it leaves `version` alone. */
export const raiseEpoch = (ctx: Ctx, tenantId: number, nowMs: number) => ctx.db.update(users).set(nextEpoch(nowMs)).where(eq(users.id, tenantId));

/** Condition of a commit: without this person somebody can still do everything. */
export const othersAreSuperadmin = (userId: number): SQL =>
  sql`EXISTS (SELECT 1 FROM users WHERE role = 'superadmin' AND status = 'active' AND account_verified = 1 AND id <> ${userId})`;

export async function isLastSuperadmin(ctx: Ctx, userId: number): Promise<boolean> {
  const [row] = await ctx.db.select({ others: sql<number>`${othersAreSuperadmin(userId)}` }).from(users).where(eq(users.id, userId));
  return row?.others !== 1;
}

/** Whether somebody can sign in to this account: it is neither ended nor gone. */
export async function isAccountActive(ctx: Ctx, tenantId: number): Promise<boolean> {
  return (await findAccountById(ctx, tenantId))?.status === "active";
}

/** Drops codes whose life ended before `before` (ms). */
export async function forgetExpiredCodes(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(oneTimeCodes).where(lt(oneTimeCodes.expiresAt, before));
}
