import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { phoneKeyOf, shownUsername, type Account } from "../accounts";
import { getEntitlements } from "../plans";
import { differenceOf } from "./admin-users.core";
import { toUserDetail, type UpdateUserBody, type UpdateUserView, type UserRef } from "./admin-users.schemas";
import { changeUser, hasNoMatrixAccount } from "./admin-users.store";
import { chooseUsername } from "./choose-username";
import { requireUserToChange } from "./require-user";

/**
 * Changes what is on record about somebody. Fields that the body leaves out stay; `null` empties those that may be empty and leaves the
 * others. Address and Matrix id cannot be changed, and the user name only while there is no Matrix account.
 * @throws AppError NOT_FOUND, FORBIDDEN, USER_IS_ADMIN (an administrator cannot be unverified), USERNAME_TAKEN, MATRIX_ACCOUNT_EXISTS, VALIDATION_ERROR
 */
export function updateUser(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>, input: z.output<typeof UpdateUserBody>): Promise<z.input<typeof UpdateUserView>> {
  return retryLostUpdate(async () => {
    const user = await requireUserToChange(ctx, user_id);
    if (input.account_verified === false && user.role !== "user") throw new AppError("USER_IS_ADMIN", "An administrator's address stays verified; take the role away first.");
    const named = input.username ? await chooseUsername(ctx, user, input.username) : null;
    const change = {
      ...named,
      ...(input.name ? { name: input.name } : {}),
      ...(input.display_name === undefined ? {} : { displayName: input.display_name || null }),
      ...(input.phone_number === undefined ? {} : { phoneNumber: input.phone_number || null, phoneKey: phoneKeyOf(input.phone_number ?? "") }),
      ...(input.auto_destruct_time === undefined ? {} : { autoDestructTime: input.auto_destruct_time || null }),
      ...(input.subscription_status === undefined ? {} : { subscriptionNote: input.subscription_status || null }),
      ...(input.account_verified == null ? {} : { accountVerified: input.account_verified }),
    };
    const after: Account = { ...user, ...change };
    const difference = differenceOf(recordOf(user), recordOf(after));
    if (Object.keys(difference.after).length > 0) {
      const plan = new Plan(ctx);
      if (named) plan.require(hasNoMatrixAccount(user.id));
      plan.guarded(changeUser(ctx, user, change)).audit({ action: "user.update", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: difference });
      if (user.matrixAccountCreated && ctx.services.matrix?.admin && (after.name !== user.name || after.displayName !== user.displayName)) plan.effect({ type: "matrix.rename_account", payload: { userId: user.id } });
      await commitNamed(plan);
    }
    const entitlements = await getEntitlements(ctx, user.id, { fresh: true });
    return { ok: true, user: toUserDetail(Object.keys(difference.after).length > 0 ? { ...after, updatedAt: ctx.clock.now() } : user, entitlements) };
  });
}

/** @throws AppError USERNAME_TAKEN when somebody else took the name meanwhile */
export async function commitNamed(plan: Plan): Promise<void> {
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "users.username") || isUniqueViolation(error, "users.matrix_id")) throw new AppError("USERNAME_TAKEN", "This user name is taken.", { cause: error });
    throw error;
  }
}

/** What the audit log tells of a person. */
const recordOf = (user: Account): Record<string, unknown> => ({
  username: shownUsername(user),
  name: user.name,
  display_name: user.displayName,
  phone_number: user.phoneNumber,
  auto_destruct_time: user.autoDestructTime,
  account_verified: user.accountVerified,
  subscription_status: user.subscriptionNote,
});
