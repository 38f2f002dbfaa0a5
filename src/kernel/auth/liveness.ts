import { eq } from "drizzle-orm";
import { cliTokens, users } from "../../schema/accounts";
import { AppError } from "../errors/app-error";
import type { Ctx } from "../context";

/**
 * Refuses credentials that were revoked after they were issued, in one D1 read: deactivated owners, older token epochs,
 * revoked CLI tokens. Every D1-backed route calls it.
 * @throws AppError UNAUTHENTICATED, TOKEN_REVOKED, ACCOUNT_DEACTIVATED
 */
export async function requireLive(ctx: Ctx): Promise<void> {
  const { actor } = ctx;
  if (actor.type === "user") {
    const [row] = await ctx.db.select({ status: users.status, epoch: users.tokenEpoch }).from(users).where(eq(users.id, actor.userId)).limit(1);
    if (!row) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
    if (row.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
    if (row.epoch !== actor.epoch) throw new AppError("SESSION_REVOKED", "This session was signed out; sign in again.");
  } else if (actor.type === "cliToken") {
    const [row] = await ctx.db
      .select({ status: users.status, tenantId: cliTokens.tenantId, revokedAt: cliTokens.revokedAt })
      .from(cliTokens)
      .innerJoin(users, eq(users.id, cliTokens.tenantId))
      .where(eq(cliTokens.id, actor.tokenId))
      .limit(1);
    if (!row || row.tenantId !== actor.userId || row.revokedAt !== null) throw new AppError("TOKEN_REVOKED", "This CLI token was revoked; run `sett login` again.");
    if (row.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
  }
}
