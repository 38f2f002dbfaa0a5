import type { LinkIdentity, NewIdentity } from "../../kernel/auth/external-identity";
import { DAY_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid, sortableId } from "../../kernel/ids/ids";
import { emailKeyOf, findAccountByEmail, insertAccount, isReservedUsername, listHolders, replaceClaim, requireOpenSignup, type NewAccount } from "../accounts";
import { usernameFrom } from "./identities.core";
import { insertIdentity } from "./identities.store";

const TRIES = 4;
/** Fits no password: such an account gets one by resetting it. */
const NO_PASSWORD = "none";

/**
 * Gives somebody whom the outside issuer vouches for an account: the one with their address, or a new one. A claim of the
 * address that was never proven here is taken over with everything its maker chose, lest a stranger's password opens it.
 * @throws AppError EMAIL_NOT_VERIFIED (the issuer does not vouch for an address; or an account in use lost its verification), ACCOUNT_DEACTIVATED, SIGNUP_CLOSED
 */
export const linkIdentity: LinkIdentity = async (ctx, identity) => {
  const { email, emailVerified } = identity.person;
  if (email === null || !emailVerified) throw new AppError("EMAIL_NOT_VERIFIED", "The identity provider does not say that your e-mail address is verified.");
  for (let tries = 1; ; tries++) {
    try {
      await commitLink(ctx, identity, email, tries);
      return;
    } catch (error) {
      // Two first requests at once: the other one made the link.
      if (isUniqueViolation(error, "external_identities.issuer")) return;
      const raced = error instanceof LostUpdateError || ["users.email_key", "users.username", "users.matrix_id"].some((column) => isUniqueViolation(error, column));
      if (!raced || tries >= TRIES) throw error;
    }
  }
};

async function commitLink(ctx: Ctx, { issuer, subject, person }: NewIdentity, email: string, tries: number): Promise<void> {
  const now = ctx.clock.now();
  const holder = await findAccountByEmail(ctx, emailKeyOf(email));
  if (holder && holder.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");
  const plan = new Plan(ctx);
  let sub = holder?.sub ?? "";
  if (!holder?.accountVerified) {
    await requireOpenSignup(ctx, emailKeyOf(email));
    sub = newUuid();
    if (holder) {
      const [claim] = await listHolders(ctx, holder.emailKey, holder.username);
      if (claim?.neverUsed === false) throw new AppError("EMAIL_NOT_VERIFIED", "An account with this e-mail address is in use and not verified; verify it first.");
    }
    const account = newAccount(ctx, sub, email, person, tries, now);
    if (holder) plan.guarded(replaceClaim(ctx, holder, account, now));
    else plan.write(insertAccount(ctx, account, now));
  }
  await plan
    .write(insertIdentity(ctx, { issuer, subject, sub }, now))
    .audit({ action: holder?.accountVerified ? "identity.link" : "identity.create", tenantId: holder?.id ?? null, subject: { type: "account", id: sub }, detail: { issuer, subject } })
    .commit();
}

function newAccount(ctx: Ctx, sub: string, email: string, person: NewIdentity["person"], tries: number, now: number): NewAccount {
  const wanted = person.username ?? email;
  const plain = usernameFrom(wanted, "");
  const username = tries === 1 && !isReservedUsername(plain) ? plain : usernameFrom(wanted, sortableId(now).slice(-4));
  return {
    sub,
    email: email.trim(),
    emailKey: emailKeyOf(email),
    username,
    name: person.name?.slice(0, 200) ?? username,
    phoneNumber: null,
    phoneKey: null,
    matrixId: `@${username}:${ctx.config.matrixServerName}`,
    passwordHash: NO_PASSWORD,
    trialEndsAt: now + ctx.config.trialDays * DAY_MS,
    accountVerified: true,
  };
}
