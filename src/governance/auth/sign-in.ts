import { z } from "zod";
import { describeAct } from "../../kernel/audit/audit";
import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import { webOrigin, type Ctx } from "../../kernel/context";
import { sha256Hex } from "../../kernel/crypto/bytes";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import type { SignedInPerson } from "../../kernel/ports/sign-in";
import { foldAddress } from "../addresses.core";
import { governed } from "../audit-trail";
import { governanceConfig } from "../config";
import { refusal } from "../errors";
import type { SignInConfig } from "../sign-in-config";
import { listTenantsOf } from "../tenant-sessions";
import { governanceServices } from "../services";
import { isOperator, safeReturnTo } from "./auth.core";
import { deleteSession, insertSession, insertSpentLogin, SPENT_LOGIN } from "./auth.store";
import { claimedSession, isCookieSecure, newSessionCookie, personId } from "./browser-session";
import { readCookie, writeCookie } from "./cookies.core";

/** How long somebody may take at the provider. */
const ATTEMPT_MS = 10 * MINUTE_MS;
const AUTH_PATH = "/api/v1/auth";
const CALLBACK_PATH = `${AUTH_PATH}/callback`;
const SEAL_CONTEXT = "governance_login";

/** What the browser keeps, sealed, from the beginning of a sign-in to its end. */
const Attempt = z.object({ issuer: z.string(), state: z.string(), nonce: z.string(), verifier: z.string(), redirectUri: z.string(), returnTo: z.string(), expiresAt: z.number() });

const attemptCookie = (ctx: Ctx, signIn: SignInConfig, value: string): string =>
  writeCookie(`${signIn.cookieName}_login`, value, { maxAgeSeconds: value === "" ? 0 : ATTEMPT_MS / SECOND_MS, path: signIn.cookieName.startsWith("__Host-") ? "/" : AUTH_PATH, secure: isCookieSecure(ctx, signIn) });

/** @throws NOT_CONFIGURED */
export function requireSignIn(ctx: Ctx): SignInConfig {
  const { signIn } = governanceConfig(ctx);
  if (!signIn) throw refusal("NOT_CONFIGURED", "Nobody can sign in with a browser here: OIDC_ISSUER_URL and OIDC_CLIENT_ID are needed.");
  return signIn;
}

/** Begins a sign-in: where the browser goes, and what it keeps. @throws NOT_CONFIGURED, UPSTREAM_ERROR (the provider cannot be reached) */
export async function beginSignIn(ctx: Ctx, { returnTo }: { readonly returnTo?: string | undefined }): Promise<{ readonly location: string; readonly cookies: readonly string[] }> {
  const signIn = requireSignIn(ctx);
  const { url, attempt } = await governanceServices(ctx).signIn.begin(signIn.provider, signIn.redirectUri ?? `${webOrigin(ctx)}${CALLBACK_PATH}`);
  const kept: z.input<typeof Attempt> = { ...attempt, issuer: signIn.provider.issuer, returnTo: safeReturnTo(returnTo), expiresAt: ctx.clock.now() + ATTEMPT_MS };
  return { location: url, cookies: [attemptCookie(ctx, signIn, await seal(ctx.config.sealKeys, JSON.stringify(kept), SEAL_CONTEXT))] };
}

/** What the browser forgets when a sign-in is over, however it ended. */
export function forgottenAttempt(ctx: Ctx): readonly string[] {
  const { signIn } = governanceConfig(ctx);
  return signIn ? [attemptCookie(ctx, signIn, "")] : [];
}

/**
 * Ends a sign-in with a session. An attempt leads to one session, in the browser that began it.
 * @param answer the provider's, from the query
 * @throws NOT_CONFIGURED; MALFORMED_REQUEST (not this browser's attempt, too late, repeated, forged); FORBIDDEN (declined, or nobody we know); UPSTREAM_ERROR
 */
export async function finishSignIn(ctx: Ctx, headers: Headers, answer: URLSearchParams): Promise<{ readonly location: string; readonly cookies: readonly string[] }> {
  const signIn = requireSignIn(ctx);
  const attempt = await readAttempt(ctx, signIn, headers);
  const outcome = await governanceServices(ctx).signIn.finish(signIn.provider, attempt, answer);
  if (outcome.kind === "declined") throw new AppError("FORBIDDEN", "The identity provider did not sign you in.");
  if (outcome.kind === "invalid") {
    ctx.log.info("a sign-in was refused", { event: "session.invalid_answer", ...describeError(outcome.cause) });
    throw startAgain();
  }
  const { person } = outcome;
  const session = await newSessionCookie(ctx, signIn);
  const before = await claimedSession(ctx, headers);
  const role = await roleOf(ctx, signIn, person);
  if (role === null) {
    await new Plan(ctx).audit(governed({ action: "session.refuse", kind: "Session", key: person.subject, after: { issuer: person.issuer, email: person.email } })).commit();
    throw new AppError("FORBIDDEN", person.emailVerified === false ? "The identity provider has not verified your e-mail address." : "You are signed in at the identity provider, but nobody has given you access here. Ask an operator.");
  }
  const now = ctx.clock.now();
  const plan = new Plan(ctx)
    .write(insertSpentLogin(ctx, await sha256Hex(attempt.state), now, attempt.expiresAt))
    .write(
      insertSession(ctx, {
        idHash: session.idHash,
        issuer: person.issuer,
        subject: person.subject,
        email: person.email === null ? null : foldAddress(person.email),
        emailVerified: person.emailVerified === true,
        name: person.name,
        picture: person.picture,
        createdAt: now,
        expiresAt: now + signIn.sessionMaxAgeMs,
      }),
    );
  // The browser's session of before would live on where nobody could end it.
  if (before !== null) plan.write(deleteSession(ctx, before));
  plan.audit(
    governed(
      { action: "session.create", kind: "Session", key: person.subject, after: { issuer: person.issuer, email: person.email, role } },
      { ...describeAct(ctx, `session:${session.idHash}`), actorType: role, actorId: personId(person.subject) },
    ),
  );
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, SPENT_LOGIN)) throw startAgain();
    throw error;
  }
  return { location: attempt.returnTo, cookies: [session.cookie, ...forgottenAttempt(ctx)] };
}

const startAgain = () => new AppError("MALFORMED_REQUEST", "This sign-in is over, or it was begun elsewhere. Start again.");

async function readAttempt(ctx: Ctx, signIn: SignInConfig, headers: Headers): Promise<z.output<typeof Attempt>> {
  const sealed = readCookie(headers.get("cookie"), `${signIn.cookieName}_login`);
  const text = sealed === null ? null : await unseal(ctx.config.sealKeys, sealed, SEAL_CONTEXT);
  const attempt = text === null ? null : Attempt.parse(JSON.parse(text));
  if (!attempt || attempt.issuer !== signIn.provider.issuer || attempt.expiresAt <= ctx.clock.now()) throw startAgain();
  return attempt;
}

/** What somebody may be here: an operator by the list, a member by a tenant with their proven address, or nobody. */
async function roleOf(ctx: Ctx, { operators }: SignInConfig, { email, emailVerified }: SignedInPerson): Promise<"operator" | "member" | null> {
  if (emailVerified === false) return null;
  const isProven = emailVerified === true;
  if (isOperator({ email, emailVerified: isProven }, operators)) return "operator";
  return email !== null && isProven && (await listTenantsOf(ctx, email)).length > 0 ? "member" : null;
}
