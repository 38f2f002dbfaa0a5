import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { matrixStatusOf, shownMatrixId, shownUsername, type Account } from "../accounts";
import { changeUser, getUserRow, type UserRef } from "../admin-users";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import { removalSteps } from "./removal-steps";
import { failed, isConfirmed, STEPS, type StepName, type StepOutcome } from "./user-removal.core";
import type { RemovedUserView, RemoveUserQuery } from "./user-removal.schemas";

type Outcome = StepOutcome & { readonly step: number; readonly name: StepName };

/**
 * Removes somebody from every system that knows them, for good: ten steps in the contract's order, each told of, none blocking the next.
 * The account is locked first, so that nothing new comes to be meanwhile and a removal that broke off can be repeated. What an outside
 * system did not take now is left to the outbox where that can do it.
 * @throws AppError NOT_FOUND, USER_IS_ADMIN (take the role away first), CONFIRMATION_MISMATCH
 */
export async function removeUser(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>, { confirm_email: typed }: z.output<typeof RemoveUserQuery>): Promise<z.input<typeof RemovedUserView>> {
  const user = await retryLostUpdate(() => lockForRemoval(ctx, user_id, typed));
  const outcomes: Outcome[] = [];
  for (const [index, name] of STEPS.entries()) {
    const outcome = await removalSteps[name](ctx, user).catch((error: unknown) => {
      ctx.log.error("a step of a hard delete failed", { event: "user.hard_delete.step_failed", account_id: user.id, step: name, ...describeCause(error) });
      return failed(error instanceof AppError ? error.message : "failed; the log tells why");
    });
    outcomes.push({ step: index + 1, name, ok: outcome.ok, detail: outcome.detail });
  }
  await new Plan(ctx).audit({ action: "user.hard_delete_done", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { before: { user_id: user.id }, after: null, steps: outcomes } }).commit();
  return { ok: outcomes.every(({ ok }) => ok), user_id: user.id, email: user.email, reclaimable: true, steps: outcomes };
}

async function lockForRemoval(ctx: OwnerCtx, userId: number, typed: string): Promise<Account> {
  const user = await getUserRow(ctx, userId);
  if (user.role !== "user") throw new AppError("USER_IS_ADMIN", "This account is an administrator's; take the role away first.");
  if (!isConfirmed(typed, user.emailKey)) throw new AppError("CONFIRMATION_MISMATCH", "confirm_email is not the address of this account.");
  const now = ctx.clock.now();
  await new Plan(ctx)
    .guarded(changeUser(ctx, user, { status: "deleted", deletionStatus: "removing", deletedAt: user.deletedAt ?? now }, { endTokens: true }))
    .write(revokeAllSessionRows(ctx, user.id, now))
    .effect(cutStreamsEffect(user.id))
    .audit({
      action: "user.hard_delete",
      tenantId: user.id,
      subject: { type: "account", id: user.sub },
      detail: { before: { user_id: user.id, email: user.email, username: shownUsername(user), matrix_id: shownMatrixId(user), matrix_status: matrixStatusOf(user), status: user.status }, after: null },
    })
    .commit();
  return user;
}
