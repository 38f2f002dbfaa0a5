import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import { AppError } from "../../kernel/errors/app-error";
import type { Account } from "../accounts";
import { countTry, findLockEnd } from "./passwords.store";

/** What a password or a code is tried against. */
type Target = { readonly login: string } | { readonly reset: string } | { readonly confirm: number };

/** Under what tries are counted. Hashed with the pepper, because people also type passwords where names belong. */
export function triesKeyOf(ctx: Ctx, target: Target): Promise<string> {
  const [[kind, name] = []] = Object.entries(target);
  return keyedHash(ctx.config.passwordPepper, `password-tries:${kind}:${name}`);
}

/**
 * Counts a try before it is compared. Names are counted as they were typed, known or not, so a lock tells nothing about accounts
 * and locks nobody else. The right password clears the count with {@link import("./passwords.store").forgetTries}.
 * @returns the key to forget on success
 * @throws AppError RATE_LIMITED while the name is locked
 */
export async function takePasswordTry(ctx: Ctx, target: Target): Promise<string> {
  const key = await triesKeyOf(ctx, target);
  const now = ctx.clock.now();
  if (!(await countTry(ctx, key, now)) && !ctx.config.rateLimitsOff) {
    const waitMs = Math.max(0, ((await findLockEnd(ctx, key)) ?? 0) - now);
    throw new AppError("RATE_LIMITED", "Too many requests; wait a moment and try again.", { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / SECOND_MS)) });
  }
  return key;
}

/**
 * The signed-in owner says the password once more, for what cannot be undone.
 * @returns the key to forget on success
 * @throws AppError WRONG_PASSWORD, RATE_LIMITED
 */
export async function confirmPassword(ctx: Ctx, account: Account, password: string): Promise<string> {
  const key = await takePasswordTry(ctx, { confirm: account.id });
  if (!(await ctx.services.passwords.verify(password, account.passwordHash))) throw new AppError("WRONG_PASSWORD", "The password is wrong.");
  return key;
}
