import { SignJWT } from "jose";
import type { Config } from "../config";
import { SIGNING_ALGORITHM, signingKeys } from "./signing-keys";

const ISSUER = "sett";

/** Signs claims for others to check with the published keys. `type` and the audience keep them apart from every other token. */
export async function signClaims(config: Config, type: string, claims: Readonly<Record<string, unknown>> & { readonly aud: string }, nowMs: number): Promise<string> {
  const { active } = await signingKeys(config);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: active.kid, typ: type })
    .setIssuer(ISSUER)
    .setIssuedAt(Math.floor(nowMs / 1_000))
    .sign(active.key);
}

/** Id of the key that signs now. */
export const activeKeyId = async (config: Config): Promise<string> => (await signingKeys(config)).active.kid;
