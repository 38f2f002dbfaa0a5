import { jwtVerify, SignJWT } from "jose";
import { SIGNING_ALGORITHM, signingKeys } from "../../kernel/auth/signing-keys";
import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { Config } from "../../kernel/config";
import { newUuid } from "../../kernel/ids/ids";

/** What the tokens are for. */
export const TENANT_AUDIENCE = "tenant-session";
const TOKEN_MS = 10 * MINUTE_MS;
const ISSUER = "sett";
const TYPE = "sett-tenant+jwt";

/** What a tenant's session token says. */
export interface TenantClaims {
  readonly tenant: string;
  /** The revision with which the tenant's life began: a tenant of the same name that comes later is another one. */
  readonly bornRevision: number;
  /** How often the tenant's sessions had been cut when it was made. */
  readonly epoch: number;
  /** The person who got it. */
  readonly subject: string;
}

/** Signs a token of ten minutes. `expiresAt` in ms. */
export async function issueTenantToken(config: Config, { tenant, bornRevision, epoch, subject }: TenantClaims, nowMs: number): Promise<{ readonly token: string; readonly expiresAt: number }> {
  const { active } = await signingKeys(config);
  const issuedAt = Math.floor(nowMs / SECOND_MS);
  const expiresAt = issuedAt + TOKEN_MS / SECOND_MS;
  const token = await new SignJWT({ born: bornRevision, epoch, person: subject })
    .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: active.kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(TENANT_AUDIENCE)
    .setSubject(tenant)
    .setJti(newUuid())
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(active.key);
  return { token, expiresAt: expiresAt * SECOND_MS };
}

/** Checks signature, purpose and time; whether it was cut is not in it. Null for everything else. */
export async function verifyTenantToken(config: Config, token: string, nowMs: number): Promise<(TenantClaims & { readonly expiresAt: number }) | null> {
  const { verifiers } = await signingKeys(config);
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = verifiers.get(kid ?? "");
        if (!key) throw new Error("unknown kid");
        return key;
      },
      { algorithms: [SIGNING_ALGORITHM], issuer: ISSUER, audience: TENANT_AUDIENCE, typ: TYPE, currentDate: new Date(nowMs), requiredClaims: ["sub", "exp"] },
    );
    const { sub, exp, born, epoch, person } = payload;
    if (sub === undefined || exp === undefined || typeof born !== "number" || typeof epoch !== "number" || typeof person !== "string") return null;
    return { tenant: sub, bornRevision: born, epoch, subject: person, expiresAt: exp * SECOND_MS };
  } catch {
    return null;
  }
}
