import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { accountLabel, findAccountByAlias, markSignedIn, shownMatrixId, shownUsername, type Account } from "../accounts";
import { syncMatrixAccount } from "../matrix-accounts";
import { newLoginMail } from "../mails";
import { forgetTries, takePasswordTry } from "../passwords";
import { findRecoveryKeyText } from "../recovery-keys";
import { hashRefreshToken, issueSessionTokens, newRefreshToken } from "./session-tokens";
import { describeDevice, readAlias, SESSION_LIFE_MS, triedNameOf, USER_AGENT_MAX_CHARS, type Alias, type Device } from "./sessions.core";
import type { LoginBody, LoginView } from "./sessions.schemas";
import { findDeviceHistory, insertSession, isStillOpen } from "./sessions.store";

type Input = z.output<typeof LoginBody> & { readonly deviceName: string | null };

/** Who signs in where. */
export interface Entrance {
  /** Audit action of the new session. */
  readonly action: string;
  /** Throws when this account, whose password was right, may not come in here. */
  readonly admit?: (account: Account) => void;
}

/** Signs a person in by e-mail, user name or Matrix id and opens a session. @throws AppError as {@link openSession} does */
export async function createSession(ctx: Ctx, input: Input): Promise<z.input<typeof LoginView>> {
  const { account, tokens, refreshToken, sessionId, recoveryKey } = await openSession(ctx, input, { action: "session.create" });
  return {
    success: true,
    message: "Signed in.",
    ...tokens,
    refresh_token: refreshToken,
    user_profile: {
      id: account.id,
      email: account.email,
      name: account.name,
      username: shownUsername(account) ?? "",
      matrix_id: shownMatrixId(account) ?? "",
      display_name: account.displayName ?? account.name,
      account_verified: account.accountVerified,
    },
    matrix_recovery_key: recoveryKey,
    session_id: sessionId,
  };
}

/**
 * Compares the password and opens a session. Unknown names cost the same work as known ones, and what is wrong with an account is
 * only told to whoever knows its password.
 * @throws AppError INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, ACCOUNT_DEACTIVATED, RATE_LIMITED (the name is locked); whatever `admit` throws
 */
export async function openSession(ctx: Ctx, input: Input, entrance: Entrance) {
  const alias = readAlias(input.username);
  const tries = await takePasswordTry(ctx, { login: triedNameOf(alias, ctx.config.matrixServerName) });
  const opened = await retryLostUpdate(() => admitAndCommit(ctx, input, entrance, alias, tries));
  // Apps sign in to the homeserver right after this, with the same password. Not at sign-up: names are never free again there, so only
  // people who proved an address take one.
  await syncMatrixAccount(ctx, opened.account.id, input.password);
  return { ...opened, tokens: await issueSessionTokens(ctx, opened.account, opened.sessionId) };
}

/** Compares and commits. Misses when the account was locked, or signed out everywhere, while its password was compared: then it is compared anew. */
async function admitAndCommit(ctx: Ctx, input: Input, { action, admit }: Entrance, alias: Alias, tries: string) {
  const account = await findAccountByAlias(ctx, alias);
  const matches = await ctx.services.passwords.verify(input.password, account?.passwordHash ?? null);
  if (!account || !matches) throw new AppError("INVALID_CREDENTIALS", "The name or the password is wrong.");
  if (account.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
  if (!account.accountVerified) throw new AppError("EMAIL_NOT_VERIFIED", "Verify your e-mail address first.");
  admit?.(account);

  const now = ctx.clock.now();
  const refreshToken = newRefreshToken();
  const device = describeDevice(input.deviceName, ctx.client.userAgent);
  const session = {
    tenantId: account.id,
    refreshHash: await hashRefreshToken(refreshToken),
    deviceName: device.name,
    platform: device.platform,
    ipAddress: ctx.client.ip,
    userAgent: ctx.client.userAgent?.slice(0, USER_AGENT_MAX_CHARS) ?? null,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + SESSION_LIFE_MS,
  };
  const [isNewDevice, recoveryKey] = await Promise.all([isUnseenDevice(ctx, account, device), findRecoveryKeyText(ctx, account.id)]);
  const plan = new Plan(ctx)
    .write(insertSession(ctx, session))
    .require(isStillOpen(account))
    .write(markSignedIn(ctx, account.id, now))
    .write(forgetTries(ctx, [tries]))
    .audit({ action, tenantId: account.id, subject: { type: "account", id: account.sub }, detail: { device_name: device.name, platform: device.platform, new_device: isNewDevice } });
  if (isNewDevice && ctx.services.mailer) {
    plan.effect({ type: "mail.send", payload: newLoginMail({ to: account.email, username: accountLabel(account), at: now, ip: ctx.client.ip, deviceName: device.name, platform: device.platform }) });
  }
  const [inserted] = await plan.commit();
  return { account, refreshToken, sessionId: firstId(inserted), recoveryKey };
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
