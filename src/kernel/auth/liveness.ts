import { eq } from "drizzle-orm";
import { cliTokens, users } from "../../schema/accounts";
import { AppError } from "../errors/app-error";
import type { Ctx } from "../context";
import type { Role } from "./actor";

/**
 * Refuses credentials that were revoked after they were issued, in one D1 read: deactivated owners, older token epochs,
 * revoked CLI tokens. Every D1-backed route calls it.
 * @returns a person's role as it is now, null for other actors
 * @throws AppError UNAUTHENTICATED, TOKEN_REVOKED, SESSION_REVOKED, ACCOUNT_DEACTIVATED
 */
export async function requireLive(ctx: Ctx): Promise<Role | null> {
  const { actor } = ctx;
  if (actor.type === "user") {
    const [row] = await ctx.db.select({ status: users.status, epoch: users.tokenEpoch, role: users.role }).from(users).where(eq(users.id, actor.userId)).limit(1);
    if (!row) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
    if (row.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
    if (row.epoch !== actor.epoch) throw new AppError("SESSION_REVOKED", "This session was signed out; sign in again.");
    return row.role;
  }
  if (actor.type === "cliToken") {
    const [row] = await ctx.db
      .select({ status: users.status, tenantId: cliTokens.tenantId, revokedAt: cliTokens.revokedAt })
      .from(cliTokens)
      .innerJoin(users, eq(users.id, cliTokens.tenantId))
      .where(eq(cliTokens.id, actor.tokenId))
      .limit(1);
    if (!row || row.tenantId !== actor.userId || row.revokedAt !== null) throw new AppError("TOKEN_REVOKED", "This CLI token was revoked; run `sett login` again.");
    if (row.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
  }
  return null;
}
