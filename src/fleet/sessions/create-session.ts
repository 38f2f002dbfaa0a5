import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { findAccountByAlias, markSignedIn, type Account } from "../accounts";
import { syncMatrixAccount } from "../matrix-accounts";
import { newLoginMail } from "../mails";
import { forgetTries, takePasswordTry } from "../passwords";
import { findRecoveryKeyText } from "../recovery-keys";
import { hashRefreshToken, issueSessionTokens, newRefreshToken } from "./session-tokens";
import { describeDevice, readAlias, SESSION_LIFE_MS, triedNameOf, type Device } from "./sessions.core";
import type { LoginBody, LoginView } from "./sessions.schemas";
import { findDeviceHistory, insertSession } from "./sessions.store";

type Input = z.output<typeof LoginBody> & { readonly deviceName: string | null };

/**
 * Signs a person in by e-mail, user name or Matrix id and opens a session. Unknown names cost the same work as known ones, and
 * what is wrong with an account is only told to whoever knows its password.
 * @throws AppError INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, ACCOUNT_DEACTIVATED, RATE_LIMITED (the name is locked)
 */
export async function createSession(ctx: Ctx, input: Input): Promise<z.input<typeof LoginView>> {
  const alias = readAlias(input.username);
  const tries = await takePasswordTry(ctx, { login: triedNameOf(alias, ctx.config.matrixServerName) });
  const account = await findAccountByAlias(ctx, alias);
  const matches = await ctx.services.passwords.verify(input.password, account?.passwordHash ?? null);
  if (!account || !matches) throw new AppError("INVALID_CREDENTIALS", "The name or the password is wrong.");
  if (account.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
  if (!account.accountVerified) throw new AppError("EMAIL_NOT_VERIFIED", "Verify your e-mail address first.");

  const now = ctx.clock.now();
  const refreshToken = newRefreshToken();
  const device = describeDevice(input.deviceName, ctx.client.userAgent);
  const session = {
    tenantId: account.id,
    refreshHash: await hashRefreshToken(refreshToken),
    deviceName: device.name,
    platform: device.platform,
    ipAddress: ctx.client.ip,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + SESSION_LIFE_MS,
  };
  const [isNewDevice, recoveryKey] = await Promise.all([isUnseenDevice(ctx, account, device), findRecoveryKeyText(ctx, account.id)]);
  const plan = new Plan(ctx)
    .write(insertSession(ctx, session))
    .write(markSignedIn(ctx, account.id, now))
    .write(forgetTries(ctx, [tries]))
    .audit({ action: "session.create", tenantId: account.id, subject: { type: "account", id: account.sub }, detail: { device_name: device.name, platform: device.platform, new_device: isNewDevice } });
  if (isNewDevice && ctx.services.mailer) {
    plan.effect({ type: "mail.send", payload: newLoginMail({ to: account.email, username: account.username, at: now, ip: ctx.client.ip, deviceName: device.name, platform: device.platform }) });
  }
  const [inserted] = await plan.commit();
  // Apps sign in to the homeserver right after this, with the same password. Not at sign-up: names are never free again there, so only
  // people who proved an address take one.
  await syncMatrixAccount(ctx, account.id, input.password);
  const sessionId = firstId(inserted);
  return {
    success: true,
    message: "Signed in.",
    ...(await issueSessionTokens(ctx, account, sessionId)),
    refresh_token: refreshToken,
    user_profile: {
      id: account.id,
      email: account.email,
      name: account.name,
      username: account.username,
      matrix_id: account.matrixId,
      display_name: account.displayName ?? account.name,
      account_verified: account.accountVerified,
    },
    matrix_recovery_key: recoveryKey,
    session_id: sessionId,
  };
}

/** A first sign-in is no news: the account was just made. */
async function isUnseenDevice(ctx: Ctx, account: Account, device: Device): Promise<boolean> {
  const { signedInBefore, deviceKnown } = await findDeviceHistory(ctx, account.id, device);
  return signedInBefore && !deviceKnown;
}

/** The id in the commit's first result, which {@link insertSession} returned. */
function firstId(result: unknown): number {
  const id: unknown = Array.isArray(result) ? (result[0] as { id?: unknown } | undefined)?.id : undefined;
  if (typeof id !== "number") throw new Error("the insert of a session returned no id");
  return id;
}
