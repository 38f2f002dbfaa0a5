import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { emailKeyOf, findAccountByEmail, othersAreSuperadmin, requireOtherSuperadmin, type Account } from "../accounts";
import { changeUser, getUserRow, requireActive } from "../admin-users";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import { toAdministrator, type AdministratorRef, type AdministratorView, type AppointBody, type DismissedView } from "./administrators.schemas";

/**
 * Gives somebody a role, or another one. It counts from their next request on, since roles are read from D1 each time.
 * @throws AppError NOT_FOUND, USER_INACTIVE (also while the address is not verified), LAST_SUPERADMIN
 */
export function appointAdministrator(ctx: OwnerCtx, { email, role }: z.output<typeof AppointBody>): Promise<z.input<typeof AdministratorView>> {
  return retryLostUpdate(async () => {
    const user = await findAccountByEmail(ctx, emailKeyOf(email));
    if (!user) throw notFound("User");
    requireActive(user);
    if (!user.accountVerified) throw new AppError("USER_INACTIVE", "This account's address is not verified.");
    if (user.role !== role) await commitRole(ctx, user, role);
    return toAdministrator(user, role);
  });
}

/**
 * Takes an administrator's role away and signs them out everywhere. @throws AppError NOT_FOUND (also for whoever has none), LAST_SUPERADMIN
 */
export function dismissAdministrator(ctx: OwnerCtx, ref: z.output<typeof AdministratorRef>): Promise<z.input<typeof DismissedView>> {
  return retryLostUpdate(async () => {
    const user = await getUserRow(ctx, ref.user_id);
    if (user.role === "user") throw notFound("User");
    await commitRole(ctx, user, "user");
    return { ok: true, user_id: user.id, email: user.email, role: "user" };
  });
}

async function commitRole(ctx: OwnerCtx, user: Account, role: Account["role"]): Promise<void> {
  await requireOtherSuperadmin(ctx, user);
  const endTokens = role === "user";
  const plan = new Plan(ctx);
  if (user.role === "superadmin") plan.require(othersAreSuperadmin(user.id));
  plan.guarded(changeUser(ctx, user, { role }, { endTokens })).audit({
    action: role === "user" ? "administrator.dismiss" : "administrator.appoint",
    tenantId: user.id,
    subject: { type: "account", id: user.sub },
    detail: { email: user.email, before: { role: user.role }, after: { role } },
  });
  if (endTokens) plan.write(revokeAllSessionRows(ctx, user.id, ctx.clock.now())).effect(cutStreamsEffect(user.id));
  await plan.commit();
}
