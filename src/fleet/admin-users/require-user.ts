import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { findAccountById, type Account } from "../accounts";
import { findUserFor } from "./admin-users.store";

/** Somebody, for an administrator to look at. @throws AppError NOT_FOUND */
export async function getUserRow(ctx: OwnerCtx, userId: number): Promise<Account> {
  const user = await findAccountById(ctx, userId);
  if (!user) throw notFound("User");
  return user;
}

/**
 * Somebody, for an administrator to change. Administrators are changed by superadministrators only: else one of them could take
 * another's password and with it the role. `orOneself`: what harms nobody else, everybody may do to themselves.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export async function requireUserToChange(ctx: OwnerCtx, userId: number, { orOneself = false } = {}): Promise<Account> {
  const { user, actorRole } = await findUserFor(ctx, userId, ctx.actor.userId);
  if (!user) throw notFound("User");
  const mayChange = user.role === "user" || actorRole === "superadmin" || (orOneself && user.id === ctx.actor.userId);
  if (!mayChange) throw new AppError("FORBIDDEN", "This needs a superadministrator: the account is an administrator's.");
  return user;
}

/** @throws AppError USER_INACTIVE */
export function requireActive(user: Account): void {
  if (user.status !== "active") throw new AppError("USER_INACTIVE", "This account is not active.");
}
