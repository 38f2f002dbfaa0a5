import { and, eq } from "drizzle-orm";
import { externalIdentities, users } from "../../schema/accounts";
import { MINUTE_MS } from "../clock";
import type { Ctx } from "../context";
import { AppError } from "../errors/app-error";
import type { Actor } from "./actor";
import { authenticate, type Recognized } from "./authenticate";
import { claimsIssuer, fetchPerson, verifyExternalToken, type ExternalPerson } from "./external-issuer";

/** How long an isolate remembers whose token it is. The liveness check of each request sees revocations at once. */
const REMEMBERED_MS = 5 * MINUTE_MS;

/** A person whom nobody here knows yet. */
export interface NewIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly person: ExternalPerson;
}

/** Gives an identity its account, by the address it proves. @throws AppError EMAIL_NOT_VERIFIED, ACCOUNT_DEACTIVATED */
export type LinkIdentity = (ctx: Ctx, identity: NewIdentity) => Promise<void>;

/**
 * Who holds this credential: one of ours, or a token of the outside issuer. Ours cost no network; the other's cost one D1 read
 * for the first time an isolate sees them.
 * @param link what to do with a person never seen before; without it they are refused
 * @throws AppError UNAUTHENTICATED, TOKEN_EXPIRED, SESSION_REVOKED, DEPENDENCY_UNAVAILABLE, and those of `link`
 */
export function identify(ctx: Ctx, token: string | null, link?: LinkIdentity): Promise<Actor> {
  return authenticate(ctx.config, token, ctx.clock.now(), (outside) => recognize(ctx, outside, link));
}

async function recognize(ctx: Ctx, token: string, link: LinkIdentity | undefined): Promise<Recognized | null> {
  const { oidc } = ctx.config;
  if (!oidc || !claimsIssuer(token, oidc.issuer)) return null;
  const now = ctx.clock.now();
  const { issuer, subject, issuedAt, expiresAt, person } = await verifyExternalToken(oidc, token, now);
  let account = await findLinked(ctx, issuer, subject);
  if (!account && link) {
    const known = person.email === null ? await fetchPerson(oidc, token, subject, now) : person;
    await link(ctx, { issuer, subject, person: known ?? person });
    account = await findLinked(ctx, issuer, subject);
  }
  if (!account) return null;
  if (account.epochRaisedAt !== null && issuedAt < account.epochRaisedAt) throw new AppError("SESSION_REVOKED", "This session was signed out; sign in again.");
  return {
    actor: { type: "user", userId: account.id, sub: account.sub, sessionId: null, epoch: account.epoch, role: account.role, expiresAt },
    expiresAt: Math.min(expiresAt, now + REMEMBERED_MS),
  };
}

async function findLinked(ctx: Ctx, issuer: string, subject: string) {
  const [row] = await ctx.db
    .select({ id: users.id, sub: users.sub, epoch: users.tokenEpoch, epochRaisedAt: users.epochRaisedAt, role: users.role })
    .from(externalIdentities)
    .innerJoin(users, eq(users.id, externalIdentities.tenantId))
    .where(and(eq(externalIdentities.issuer, issuer), eq(externalIdentities.subject, subject)))
    .limit(1);
  return row;
}
