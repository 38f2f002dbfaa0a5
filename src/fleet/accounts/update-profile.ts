import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { getEntitlements } from "../plans";
import { emailKeyOf, hasUsername, phoneKeyOf } from "./accounts.core";
import { getOwnAccount } from "./accounts.queries";
import { toProfileView, type ProfileView, type UpdateProfileBody } from "./accounts.schemas";
import { updateProfileRow } from "./accounts.store";

/**
 * Changes what a person says about themselves. Fields that the body leaves out stay; `null` empties those that may be empty.
 * Agreements are only ever given.
 * @throws AppError UNAUTHENTICATED, VALIDATION_ERROR (another address or user name than the account's)
 */
export function updateProfile(ctx: OwnerCtx, input: z.output<typeof UpdateProfileBody>): Promise<z.input<typeof ProfileView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const [account, entitlements] = await Promise.all([getOwnAccount(ctx), getEntitlements(ctx, ctx.actor.userId)]);
    if (emailKeyOf(input.email) !== account.emailKey) throw invalidField(["body", "email"], "The e-mail address cannot be changed here");
    if (hasUsername(account) && input.username.toLowerCase() !== account.username) throw invalidField(["body", "username"], "The user name cannot be changed");
    const change = {
      name: input.name ?? account.name,
      displayName: input.display_name === undefined ? account.displayName : input.display_name || null,
      ...(input.phone_number === undefined ? {} : { phoneNumber: input.phone_number || null, phoneKey: phoneKeyOf(input.phone_number ?? "") }),
      autoDestructTime: input.auto_destruct_time === undefined ? account.autoDestructTime : input.auto_destruct_time,
      agreedTerms: input.agreed_terms || account.agreedTerms,
      agreedPrivacy: input.agreed_privacy || account.agreedPrivacy,
    };
    const changed = Object.keys(change).filter((field) => change[field as keyof typeof change] !== account[field as keyof typeof change]);
    const plan = new Plan(ctx)
      .guarded(updateProfileRow(ctx, account, change, now))
      .audit({ action: "account.update", subject: { type: "account", id: account.sub }, detail: { changed } });
    if (ctx.services.matrix?.admin && (changed.includes("displayName") || changed.includes("name"))) plan.effect({ type: "matrix.rename_account", payload: { userId: account.id } });
    await plan.commit();
    return toProfileView({ ...account, ...change, updatedAt: now }, entitlements);
  });
}
