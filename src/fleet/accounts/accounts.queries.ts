import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { getEntitlements } from "../plans";
import { emailKeyOf, isAbandonedClaim, isReservedUsername, phoneKeyOf, USERNAME_MAX, USERNAME_PATTERN } from "./accounts.core";
import {
  isEmail,
  toProfileView,
  type CheckEmailQuery,
  type CheckPhoneQuery,
  type CheckUsernameQuery,
  type EmailAvailabilityView,
  type PhoneAvailabilityView,
  type ProfileView,
  type UsernameCheckView,
} from "./accounts.schemas";
import { findAccountById, isPhoneTaken, listHolders, type Account } from "./accounts.store";

/** The caller's own row. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getOwnAccount(ctx: OwnerCtx): Promise<Account> {
  const account = await findAccountById(ctx, ctx.actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  return account;
}

/** The caller's own profile. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getProfile(ctx: OwnerCtx): Promise<z.input<typeof ProfileView>> {
  const [account, entitlements] = await Promise.all([getOwnAccount(ctx), getEntitlements(ctx, ctx.actor.userId)]);
  return toProfileView(account, entitlements);
}

/** Whether a sign-up could have this user name. */
export async function checkUsername(ctx: Ctx, { candidate }: z.output<typeof CheckUsernameQuery>): Promise<z.input<typeof UsernameCheckView>> {
  const username = candidate.toLowerCase();
  if (!USERNAME_PATTERN.test(username) || username.length > USERNAME_MAX) return { valid: false, reason: "invalid" };
  if (isReservedUsername(username)) return { valid: false, reason: "reserved" };
  const holders = await listHolders(ctx, "", username);
  return holders.length > 0 ? { valid: false, reason: "taken" } : { valid: true, reason: "ok" };
}

/** Whether a sign-up could have this address; an abandoned claim does not hold it. */
export async function checkEmail(ctx: Ctx, { email }: z.output<typeof CheckEmailQuery>): Promise<z.input<typeof EmailAvailabilityView>> {
  if (!isEmail(email.trim())) return { available: false, reason: "invalid" };
  const holders = await listHolders(ctx, emailKeyOf(email), "");
  const taken = holders.some((holder) => !isAbandonedClaim(holder, ctx.clock.now()));
  return taken ? { available: false, reason: "taken" } : { available: true, reason: "ok" };
}

/** Whether no account names this number yet. Numbers are not proven and not unique; the answer is a hint. */
export async function checkPhone(ctx: Ctx, { phone }: z.output<typeof CheckPhoneQuery>): Promise<z.input<typeof PhoneAvailabilityView>> {
  const phoneKey = phoneKeyOf(phone);
  if (phoneKey === null) return { available: false, reason: "invalid" };
  return (await isPhoneTaken(ctx, phoneKey)) ? { available: false, reason: "taken" } : { available: true, reason: "ok" };
}
