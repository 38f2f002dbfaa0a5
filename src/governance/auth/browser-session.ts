import type { Actor, BrowserSession } from "../../kernel/auth/actor";
import { SECOND_MS } from "../../kernel/clock";
import { webOrigin, type Ctx } from "../../kernel/context";
import { sha256Hex, toBase64Url } from "../../kernel/crypto/bytes";
import { randomBytes } from "../../kernel/ids/ids";
import { governanceConfig } from "../config";
import type { SignInConfig } from "../sign-in-config";
import { isOperator, isSameOrigin } from "./auth.core";
import { findSession } from "./auth.store";
import { readCookie, writeCookie } from "./cookies.core";

const SESSION_BYTES = 32;
const WHOLE_SITE = "/";

type SessionActor = Extract<Actor, { type: "operator" | "member" }> & { readonly session: BrowserSession };

/** Whether our own cookies go over TLS only. */
export const isCookieSecure = (ctx: Ctx, { cookieSecure }: SignInConfig): boolean => cookieSecure ?? webOrigin(ctx).startsWith("https:");

/** A fresh session: what the browser keeps, and the hash by which we find it. */
export async function newSessionCookie(ctx: Ctx, signIn: SignInConfig): Promise<{ readonly idHash: string; readonly cookie: string }> {
  const value = toBase64Url(randomBytes(SESSION_BYTES));
  return { idHash: await sha256Hex(value), cookie: writeCookie(signIn.cookieName, value, { maxAgeSeconds: signIn.sessionMaxAgeMs / SECOND_MS, path: WHOLE_SITE, secure: isCookieSecure(ctx, signIn) }) };
}

/** Takes the session out of the browser. */
export const clearedSessionCookie = (ctx: Ctx, signIn: SignInConfig): string => writeCookie(signIn.cookieName, "", { maxAgeSeconds: 0, path: WHOLE_SITE, secure: isCookieSecure(ctx, signIn) });

/** Hash of the session that a browser says it has; null when it says nothing, or nobody signs in here. */
export async function claimedSession(ctx: Ctx, headers: Headers): Promise<string | null> {
  const { signIn } = governanceConfig(ctx);
  const value = signIn && readCookie(headers.get("cookie"), signIn.cookieName);
  return value ? sha256Hex(value) : null;
}

/** Who is signed in with this browser, as the list of operators is now; null when nobody is. */
export async function findBrowserSession(ctx: Ctx, headers: Headers): Promise<SessionActor | null> {
  const idHash = await claimedSession(ctx, headers);
  const { signIn } = governanceConfig(ctx);
  const row = idHash && signIn ? await findSession(ctx, idHash, ctx.clock.now()) : undefined;
  // A session of another provider than today's is nobody's.
  if (!row || !signIn || row.issuer !== signIn.provider.issuer) return null;
  const { createdAt, idHash: id, ...person } = row;
  const session: BrowserSession = { id, ...person, authenticatedAt: createdAt };
  const actor = { id: personId(session.subject), session };
  return isOperator(session, signIn.operators) ? { type: "operator", ...actor, label: session.email ?? session.subject } : { type: "member", ...actor };
}

/** How the audit trail names somebody whom the provider vouches for. */
export const personId = (subject: string): string => `person:${subject}`;

/** Whether the request comes from a page of ours. */
export const isFromOurPage = (ctx: Ctx, headers: Headers): boolean => isSameOrigin(headers, [ctx.client.origin, ctx.config.publicUrl]);
