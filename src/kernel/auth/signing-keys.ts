import { importJWK, type CryptoKey as JoseKey, type JWK } from "jose";
import type { Config } from "../config";

export const SIGNING_ALGORITHM = "ES256";

/** What signs and what verifies. */
interface SigningKeys {
  readonly active: { readonly kid: string; readonly key: JoseKey };
  readonly verifiers: ReadonlyMap<string, JoseKey>;
  readonly jwks: { readonly keys: readonly JWK[] };
}

const rings = new WeakMap<Config, Promise<SigningKeys>>();

/** The ring of `SIGNING_KEYS`, imported once per isolate. */
export function signingKeys(config: Config): Promise<SigningKeys> {
  let ring = rings.get(config);
  if (!ring) {
    ring = importRing(config.signingKeys);
    rings.set(config, ring);
  }
  return ring;
}

async function importRing(text: string): Promise<SigningKeys> {
  const privates = JSON.parse(text) as JWK[];
  const verifiers = new Map<string, JoseKey>();
  const publics: JWK[] = [];
  let active: SigningKeys["active"] | null = null;
  for (const jwk of privates) {
    if (!jwk.kid) throw new Error("every signing key needs a kid");
    const { d: _private, ...rest } = jwk;
    const open: JWK = { ...rest, alg: SIGNING_ALGORITHM, use: "sig" };
    verifiers.set(jwk.kid, (await importJWK(open, SIGNING_ALGORITHM)) as JoseKey);
    publics.push(open);
    active ??= { kid: jwk.kid, key: (await importJWK(jwk, SIGNING_ALGORITHM)) as JoseKey };
  }
  if (!active) throw new Error("SIGNING_KEYS is empty");
  return { active, verifiers, jwks: { keys: publics } };
}
