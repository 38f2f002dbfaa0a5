import { jwtVerify, SignJWT, type JWK } from "jose";
import type { Config } from "../config";
import { newUuid } from "../ids/ids";
import type { Role } from "./actor";
import { SIGNING_ALGORITHM as ALGORITHM, signingKeys } from "./signing-keys";

/** Lifetime of an access token, seconds. */
export const ACCESS_TOKEN_SECONDS = 3_600;

const ISSUER = "sett";
const CLIENT_ID = "sett";

/** What an access token says about its holder. */
export interface AccessClaims {
  readonly userId: number;
  readonly sub: string;
  readonly username: string;
  readonly role: Role;
  readonly epoch: number;
  readonly sessionId: number;
}

export type AccessVerdict = { readonly ok: true; readonly claims: AccessClaims; readonly expiresAt: number } | { readonly ok: false; readonly reason: "invalid" | "expired" };

/** Public keys for `/.well-known/jwks.json`. */
export const publicJwks = async (config: Config): Promise<{ keys: readonly JWK[] }> => (await signingKeys(config)).jwks;

/** Ids of the keys that verify, the one that signs first. */
export async function listSigningKeyIds(config: Config): Promise<readonly string[]> {
  const { active, verifiers } = await signingKeys(config);
  return [active.kid, ...[...verifiers.keys()].filter((kid) => kid !== active.kid)];
}

/** Signs a one-hour access token; its claims follow what clients of the published API read. */
export async function issueAccessToken(config: Config, claims: AccessClaims, nowMs: number): Promise<string> {
  const { active } = await signingKeys(config);
  const now = Math.floor(nowMs / 1_000);
  return new SignJWT({
    token_use: "access",
    client_id: CLIENT_ID,
    username: claims.username,
    scope: "openid",
    uid: claims.userId,
    sid: claims.sessionId,
    epoch: claims.epoch,
    "cognito:groups": claims.role === "user" ? ["user"] : ["user", claims.role],
  })
    .setProtectedHeader({ alg: ALGORITHM, kid: active.kid, typ: "JWT" })
    .setIssuer(ISSUER)
    .setSubject(claims.sub)
    .setJti(newUuid())
    .setIssuedAt(now)
    .setExpirationTime(now + ACCESS_TOKEN_SECONDS)
    .sign(active.key);
}

/** Signs the identity token that accompanies an access token at login and refresh. */
export async function issueIdToken(config: Config, claims: AccessClaims & { readonly email: string; readonly name: string }, nowMs: number): Promise<string> {
  const { active } = await signingKeys(config);
  const now = Math.floor(nowMs / 1_000);
  return new SignJWT({ token_use: "id", email: claims.email, email_verified: true, name: claims.name, "cognito:username": claims.sub, preferred_username: claims.username })
    .setProtectedHeader({ alg: ALGORITHM, kid: active.kid, typ: "JWT" })
    .setIssuer(ISSUER)
    .setAudience(CLIENT_ID)
    .setSubject(claims.sub)
    .setIssuedAt(now)
    .setExpirationTime(now + ACCESS_TOKEN_SECONDS)
    .sign(active.key);
}

/** Verifies by signature alone: no database. Revocation by epoch is the caller's check where it matters. */
export async function verifyAccessToken(config: Config, token: string, nowMs: number): Promise<AccessVerdict> {
  const { verifiers } = await signingKeys(config);
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        const key = verifiers.get(header.kid ?? "");
        if (!key) throw new Error("unknown kid");
        return key;
      },
      { algorithms: [ALGORITHM], issuer: ISSUER, currentDate: new Date(nowMs), clockTolerance: 5 },
    );
    const { uid, sid, epoch, sub, exp, username, token_use: use } = payload;
    const groups = payload["cognito:groups"];
    if (use !== "access" || typeof uid !== "number" || typeof sid !== "number" || typeof epoch !== "number" || typeof sub !== "string" || typeof exp !== "number" || typeof username !== "string") {
      return { ok: false, reason: "invalid" };
    }
    const role: Role = Array.isArray(groups) && groups.includes("superadmin") ? "superadmin" : Array.isArray(groups) && groups.includes("admin") ? "admin" : "user";
    return { ok: true, claims: { userId: uid, sub, username, role, epoch, sessionId: sid }, expiresAt: exp * 1_000 };
  } catch (error) {
    const expired = error instanceof Error && "code" in error && error.code === "ERR_JWT_EXPIRED";
    return { ok: false, reason: expired ? "expired" : "invalid" };
  }
}
