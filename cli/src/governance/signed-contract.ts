import { createPublicKey, verify, type JsonWebKey } from "node:crypto";
import type { ApiClient } from "../core/http";
import { isObject, parseJson, stringField, type JsonObject } from "../core/json";
import { parseContract, type Contract } from "./contract";

const TYPE = "sett-contract+jwt";
const AUDIENCE = "sett-machine";
const JWKS_PATH = "/.well-known/jwks.json";
/** An unknown key is asked for at most this often: rotated keys are published before they sign. */
const REFETCH_MS = 10_000;
const JWS_MAX = 1_048_576;

/** A contract's signature is wrong, or it is not for this machine. The sentence is fit for people. */
export class ContractError extends Error {}

export interface Verified {
  readonly contract: Contract;
  /** The public key that proved it, kept so that it can be proved again without the network. */
  readonly key: JsonObject;
}

/** Which key signed a compact JWS. Throws ContractError when it is no contract of ours. Pure. */
export function signingKeyId(jws: string): string {
  const header = decode(jws.slice(0, jws.indexOf(".")));
  const kid = isObject(header) ? stringField(header, "kid") : undefined;
  if (!isObject(header) || header["alg"] !== "ES256" || header["typ"] !== TYPE || kid === undefined) throw new ContractError("it is no contract signed with ES256");
  return kid;
}

/** Checks signature, kind, audience and machine, then reads the contract. Throws ContractError. Pure. */
export function verifyContract(jws: string, key: JsonObject, instanceId: string): Contract {
  if (jws.length > JWS_MAX) throw new ContractError("it is too large");
  if (signingKeyId(jws) !== key["kid"]) throw new ContractError("it was signed with another key");
  const [header = "", payload = "", signature = "", ...rest] = jws.split(".");
  if (rest.length > 0 || signature === "") throw new ContractError("it is no compact JWS");
  if (!signatureHolds(`${header}.${payload}`, signature, key)) throw new ContractError("its signature is wrong");
  const claims = decode(payload);
  if (!isObject(claims)) throw new ContractError("it holds no JSON object");
  const audience = claims["aud"];
  if (audience !== AUDIENCE && !(Array.isArray(audience) && audience.includes(AUDIENCE))) throw new ContractError("it is not meant for machines");
  try {
    const contract = parseContract(claims);
    if (contract.instance !== instanceId) throw new Error(`it is for another machine (${contract.instance})`);
    return contract;
  } catch (error) {
    throw new ContractError(error instanceof Error ? error.message : String(error));
  }
}

function signatureHolds(signed: string, signature: string, key: JsonObject): boolean {
  try {
    // A JWK is plain JSON; createPublicKey refuses what is none.
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: "jwk" });
    if (publicKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") return false;
    return verify("sha256", Buffer.from(signed), { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

function decode(part: string): unknown {
  return parseJson(Buffer.from(part, "base64url").toString("utf8"));
}

/** The server's signing keys, read when needed and kept until a contract names one that is not among them. */
export class KeyRing {
  private keys: readonly JsonObject[] = [];
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly api: ApiClient,
    private readonly now: () => number = Date.now,
  ) {}

  /** Verifies with the key that the contract names. Throws ContractError, and CliError when the keys cannot be read. */
  async verify(jws: string, instanceId: string): Promise<Verified> {
    const kid = signingKeyId(jws);
    const key = this.find(kid) ?? (await this.fetch(kid));
    if (key === undefined) throw new ContractError(`the server publishes no key ${kid.slice(0, 40)}`);
    return { contract: verifyContract(jws, key, instanceId), key };
  }

  private find(kid: string): JsonObject | undefined {
    return this.keys.find((key) => key["kid"] === kid);
  }

  private async fetch(kid: string): Promise<JsonObject | undefined> {
    if (this.now() - this.askedAt < REFETCH_MS) return undefined;
    const raw = await this.api.call<unknown>("GET", JWKS_PATH);
    this.askedAt = this.now();
    this.keys = isObject(raw) && Array.isArray(raw["keys"]) ? raw["keys"].filter(isObject) : [];
    return this.find(kid);
  }
}
