import type { Ctx } from "../../kernel/context";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { hasUsername, isReservedUsername, type Account } from "../accounts";
import { usernameFault } from "./admin-users.core";
import { isUsernameTaken } from "./admin-users.store";

/**
 * What another user name changes. It is the name on the homeserver as well, where names never change, so it can be chosen only while no
 * Matrix account was made; the commit must check that again, see `hasNoMatrixAccount`. Null when it is theirs already.
 * @throws AppError VALIDATION_ERROR, USERNAME_TAKEN, MATRIX_ACCOUNT_EXISTS
 */
export async function chooseUsername(ctx: Ctx, user: Account, text: string): Promise<Pick<Account, "username" | "matrixId"> | null> {
  const username = text.toLowerCase();
  if (hasUsername(user) && username === user.username) return null;
  const fault = usernameFault(text);
  if (fault !== null) throw invalidField(["body", "username"], fault);
  if (user.matrixAccountCreated || user.matrixClaimedAt !== null) throw new AppError("MATRIX_ACCOUNT_EXISTS", "The user name is the name of a Matrix account by now and stays.");
  if (isReservedUsername(username) || (await isUsernameTaken(ctx, username, user.id))) throw new AppError("USERNAME_TAKEN", "This user name is taken.");
  return { username, matrixId: `@${username}:${ctx.config.matrixServerName}` };
}
