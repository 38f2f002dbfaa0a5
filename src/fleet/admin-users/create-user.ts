import type { z } from "zod";
import { DAY_MS } from "../../kernel/clock";
import { webOrigin, type OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { emailKeyOf, findAccountByEmail, insertAccount, isAbandonedClaim, isReservedUsername, listHolders, newCode, placeholderUsername, replaceClaim, type NewAccount } from "../accounts";
import { inviteMail } from "../mails";
import { tryMatrixAccount } from "../matrix-accounts";
import { getEntitlements } from "../plans";
import { usernameFault } from "./admin-users.core";
import { toUserDetail, type CreateUserBody, type CreateUserView } from "./admin-users.schemas";
import { forgetCodes, idOfSub, insertInviteCode } from "./admin-users.store";

/** How long the code of an invitation lives; after that "forgot password" mails another. */
const INVITE_LIFE_MS = 3 * DAY_MS;
/** Fits no password: whoever is invited chooses one. */
const NO_PASSWORD = "none";

const emailTaken = (cause?: unknown) => new AppError("EMAIL_TAKEN", "An account with this e-mail address exists already.", { cause });
const usernameTaken = (cause?: unknown) => new AppError("USERNAME_TAKEN", "This user name is taken.", { cause });

/**
 * Makes an account for somebody. The administrator vouches for the address; the person chooses a password with the mailed code, or with
 * "forgot password" when no mail was wished or can be sent. The Matrix account follows at once, best effort, with a random password
 * that their first sign-in replaces; without a user name there is none.
 * @throws AppError EMAIL_TAKEN, USERNAME_TAKEN, VALIDATION_ERROR (user name)
 */
export async function createUser(ctx: OwnerCtx, input: z.output<typeof CreateUserBody>): Promise<z.input<typeof CreateUserView>> {
  const now = ctx.clock.now();
  const emailKey = emailKeyOf(input.email);
  const sub = newUuid();
  const chosen = input.username || null;
  const fault = chosen === null ? null : usernameFault(chosen);
  if (fault !== null) throw invalidField(["body", "username"], fault);
  const username = chosen?.toLowerCase() ?? placeholderUsername(sub);
  if (isReservedUsername(username)) throw usernameTaken();
  const holders = await listHolders(ctx, emailKey, username);
  const held = holders.find((holder) => holder.emailKey === emailKey);
  if (held && !isAbandonedClaim(held, now)) throw emailTaken();
  if (holders.some((holder) => holder.username === username && holder.id !== held?.id)) throw usernameTaken();

  const account: NewAccount & { readonly displayName: string | null } = {
    sub,
    email: input.email.trim(),
    emailKey,
    username,
    name: input.name || chosen || (emailKey.split("@")[0] ?? emailKey),
    displayName: input.display_name || null,
    phoneNumber: null,
    phoneKey: null,
    matrixId: `@${username}:${ctx.config.matrixServerName}`,
    passwordHash: NO_PASSWORD,
    trialEndsAt: now + ctx.config.trialDays * DAY_MS,
    accountVerified: true,
  };
  const invites = input.send_invite && ctx.services.mailer !== null;
  const plan = new Plan(ctx);
  if (held) plan.guarded(replaceClaim(ctx, held, account, now)).write(forgetCodes(ctx, held.id));
  else plan.write(insertAccount(ctx, account, now));
  if (invites) {
    const code = await newCode(ctx, { purpose: "reset_password", sub }, INVITE_LIFE_MS, now);
    plan.write(insertInviteCode(ctx, sub, code.stored)).effect({ type: "mail.send", payload: inviteMail({ to: account.email, username: chosen, code: code.digits, lifeMs: INVITE_LIFE_MS, origin: webOrigin(ctx) }) });
  }
  plan.audit({ action: "user.create", tenantId: idOfSub(sub), subject: { type: "account", id: sub }, detail: { before: null, after: { email: account.email, username: chosen, name: account.name, display_name: account.displayName, invited: invites } } });
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "users.email_key") || error instanceof LostUpdateError) throw emailTaken(error);
    if (isUniqueViolation(error, "users.username") || isUniqueViolation(error, "users.matrix_id")) throw usernameTaken(error);
    throw error;
  }
  const made = await findAccountByEmail(ctx, emailKey);
  if (made?.sub !== sub) throw emailTaken();
  const matrix = chosen === null ? { created: false, error: null } : await tryMatrixAccount(ctx, made.id);
  const [user, entitlements] = await Promise.all([findAccountByEmail(ctx, emailKey), getEntitlements(ctx, made.id, { fresh: true })]);
  return { ok: true, user: toUserDetail(user ?? made, entitlements), matrix_account_created: matrix.created, matrix_error: matrix.error, invite_sent: invites };
}
