import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from "jose";
import { SECOND_MS } from "../clock";
import type { OidcConfig } from "../config";
import { AppError } from "../errors/app-error";

/** Only asymmetric ones: with a shared secret every holder of a token check could make tokens. */
const ALGORITHMS = ["RS256", "ES256"];
const TIME_LIMIT_MS = 5 * SECOND_MS;
/** Shortest time between two fetches of the keys because of an unknown key id, which anybody can send. */
const KEYS_COOLDOWN_MS = 30 * SECOND_MS;
/** An issuer that failed is not asked again for so long. */
const FAILURE_COOLDOWN_MS = 5 * SECOND_MS;

/** What a valid access token of the outside issuer says. */
export interface ExternalClaims {
  readonly issuer: string;
  readonly subject: string;
  /** Milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly person: ExternalPerson;
}

/** What the issuer knows about a person; its access tokens may leave all of it out. */
export interface ExternalPerson {
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly username: string | null;
}

interface Discovery {
  readonly jwksUri: string;
  readonly userinfoEndpoint: string | null;
}

/** What an isolate knows about its issuer. Values only, no pending requests: workerd lets no request await another's. */
interface IssuerState {
  discovery?: Discovery;
  keys?: ReturnType<typeof createRemoteJWKSet>;
  failedAt?: number;
}

const states = new WeakMap<OidcConfig, IssuerState>();

function stateOf(oidc: OidcConfig): IssuerState {
  const state = states.get(oidc) ?? {};
  states.set(oidc, state);
  return state;
}

/** Whether a token claims to come from `issuer`; nothing is proven by that. */
export function claimsIssuer(token: string, issuer: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    return false;
  }
}

/**
 * Verifies an access token of the outside issuer against its published keys, which are fetched once and again when they change.
 * @throws AppError UNAUTHENTICATED, TOKEN_EXPIRED, DEPENDENCY_UNAVAILABLE (the issuer does not answer)
 */
export async function verifyExternalToken(oidc: OidcConfig, token: string, nowMs: number): Promise<ExternalClaims> {
  const keys = await keysOf(oidc, nowMs);
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: oidc.issuer, algorithms: ALGORITHMS, currentDate: new Date(nowMs), clockTolerance: 5, requiredClaims: ["sub", "exp", "iat"] }).catch((error: unknown) => {
    throw classify(error);
  });
  const { sub, exp, iat } = payload;
  if (!isAccessToken(payload, protectedHeader.typ, oidc.audience) || !sub || exp === undefined || iat === undefined) throw invalid();
  return { issuer: oidc.issuer, subject: sub, issuedAt: iat * SECOND_MS, expiresAt: exp * SECOND_MS, person: readPerson(payload) };
}

/**
 * Whether this is an access token made for us. Identity tokens are none, here as with our own. Cognito's access tokens carry no
 * `aud` but the `client_id` of the app client.
 */
function isAccessToken(payload: JWTPayload, type: string | undefined, audience: string): boolean {
  const { aud, token_use: use, client_id: clientId } = payload;
  if (type !== undefined && !/^(application\/)?(at\+)?jwt$/i.test(type)) return false;
  if (use !== undefined && use !== "access") return false;
  if (aud !== undefined) return Array.isArray(aud) ? aud.includes(audience) : aud === audience;
  return use === "access" && clientId === audience;
}

/**
 * Who the bearer of a token is, by the issuer's userinfo endpoint: for tokens that carry no address.
 * @throws AppError UNAUTHENTICATED, DEPENDENCY_UNAVAILABLE
 */
export async function fetchPerson(oidc: OidcConfig, token: string, subject: string, nowMs: number): Promise<ExternalPerson | null> {
  const { userinfoEndpoint } = await discover(oidc, nowMs);
  if (userinfoEndpoint === null) return null;
  const { status, body } = await getJson(userinfoEndpoint, { authorization: `Bearer ${token}` });
  if (status === 401 || status === 403) throw invalid();
  if (status !== 200) throw unavailable(new Error(`userinfo answered ${status}`));
  return body["sub"] === subject ? readPerson(body) : null;
}

function readPerson(claims: Readonly<Record<string, unknown>>): ExternalPerson {
  const text = (name: string): string | null => {
    const value = claims[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  // Cognito's userinfo writes booleans as text.
  const verified = claims["email_verified"];
  return { email: text("email"), emailVerified: verified === true || verified === "true", name: text("name"), username: text("preferred_username") };
}

async function keysOf(oidc: OidcConfig, nowMs: number): Promise<ReturnType<typeof createRemoteJWKSet>> {
  const state = stateOf(oidc);
  state.keys ??= createRemoteJWKSet(new URL(oidc.jwksUrl ?? (await discover(oidc, nowMs)).jwksUri), { cooldownDuration: KEYS_COOLDOWN_MS, timeoutDuration: TIME_LIMIT_MS });
  return state.keys;
}

async function discover(oidc: OidcConfig, nowMs: number): Promise<Discovery> {
  const state = stateOf(oidc);
  if (state.discovery) return state.discovery;
  if (state.failedAt !== undefined && nowMs - state.failedAt < FAILURE_COOLDOWN_MS) throw unavailable(new Error("the issuer failed a moment ago"));
  try {
    const { status, body } = await getJson(`${oidc.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {});
    const { issuer, jwks_uri: jwksUri, userinfo_endpoint: userinfo } = body;
    // A document of somebody else may not choose the keys.
    if (status !== 200 || issuer !== oidc.issuer || !isSafe(jwksUri, oidc.issuer)) throw unavailable(new Error(`discovery answered ${status}`));
    state.discovery = { jwksUri, userinfoEndpoint: isSafe(userinfo, oidc.issuer) ? userinfo : null };
    return state.discovery;
  } catch (error) {
    state.failedAt = nowMs;
    throw error;
  }
}

/** An address that is as protected as the issuer's own. */
const isSafe = (url: unknown, issuer: string): url is string => typeof url === "string" && URL.canParse(url) && (url.startsWith("https:") || (issuer.startsWith("http:") && url.startsWith("http:")));

async function getJson(url: string, headers: Record<string, string>): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  try {
    const response = await fetch(url, { headers: { accept: "application/json", ...headers }, redirect: "manual", signal: AbortSignal.timeout(TIME_LIMIT_MS) });
    const body: unknown = await response.json().catch(() => null);
    return { status: response.status, body: typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {} };
  } catch (error) {
    throw unavailable(error);
  }
}

/** Whose fault a failed check is: the token's (wrong, unknown key, too old), or the issuer's, whose keys we could not get. */
function classify(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return new AppError("TOKEN_EXPIRED", "The access token has expired; sign in again.");
  const tokenAtFault =
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported;
  return tokenAtFault ? invalid() : unavailable(error);
}

const invalid = () => new AppError("UNAUTHENTICATED", "The access token is not valid.");
const unavailable = (cause: unknown) => new AppError("DEPENDENCY_UNAVAILABLE", "The identity provider does not answer as it should; try again later.", { cause });
