import { and, eq, isNull, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { cliLogins } from "../../schema/accounts";

export type CliLogin = typeof cliLogins.$inferSelect;

/** Context string that binds a sealed token to its code. */
export const loginSealContext = (code: string): string => `cli_login:${code}`;

/** A login has no owner until its browser confirms it; the code is the only way to it. */
export async function findCliLogin(ctx: Ctx, code: string): Promise<CliLogin | undefined> {
  return (await ctx.db.select().from(cliLogins).where(eq(cliLogins.code, code)).limit(1))[0];
}

/** Guarded: starts a code or starts it afresh; misses when a browser has confirmed it already. */
export const upsertStarted = (ctx: Ctx, code: string, nowMs: number, expiresAt: number) =>
  ctx.db
    .insert(cliLogins)
    .values({ code, started: true, createdAt: nowMs, expiresAt })
    .onConflictDoUpdate({ target: cliLogins.code, set: { started: true, createdAt: nowMs, expiresAt }, setWhere: isNull(cliLogins.completedAt) });

export interface Completion {
  readonly tenantId: number;
  readonly sealedToken: string;
  readonly completedAt: number;
}

/** Fails on `cli_logins.code` when another browser was first. */
export const insertCompleted = (ctx: Ctx, code: string, completion: Completion, expiresAt: number) =>
  ctx.db.insert(cliLogins).values({ code, started: false, ...completion, createdAt: completion.completedAt, expiresAt });

/** Guarded: one browser confirms a code. */
export const completeStarted = (ctx: Ctx, code: string, completion: Completion) =>
  ctx.db
    .update(cliLogins)
    .set({ ...completion })
    .where(and(eq(cliLogins.code, code), isNull(cliLogins.completedAt)));

/** Guarded: the time of repeats starts once. */
export const markPolled = (ctx: Ctx, code: string, nowMs: number) =>
  ctx.db
    .update(cliLogins)
    .set({ firstPolledAt: nowMs })
    .where(and(eq(cliLogins.code, code), isNull(cliLogins.firstPolledAt)));


/** Drops logins whose life ended before `before` (ms), sealed tokens with them. */
export async function forgetCliLogins(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(cliLogins).where(lt(cliLogins.expiresAt, before));
}
