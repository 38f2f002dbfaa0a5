import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { FakeServer } from "./fake-server";

type Json = Record<string, unknown>;

/** What a tenant that rules nothing has in its contract. */
const NO_RULES: Json = {
  suspended: false,
  awareness: { contractVersion: "awareness/v1alpha1", shadow: false, wave: "personal" },
  domains: null,
  egress: [],
  tools: { allow: null, deny: [] },
  mcpServers: { allow: null, deny: [], servers: [] },
  skills: { entitled: null },
  advisory: [],
};

interface SigningKey {
  readonly kid: string;
  readonly secret: KeyObject;
  readonly jwk: Json;
}

/** A P-256 key pair as a server publishes and uses it. */
export function signingKey(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, secret: privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
}

/** A compact JWS with any header and payload. */
export function signJws(header: Json, payload: Json, secret: KeyObject): string {
  const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${sign("sha256", Buffer.from(text), { key: secret, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/** The server's side of machine contracts: keys, the contract of one machine, and what it is asked. */
export class FakeContracts {
  key = signingKey("key-1");
  published: Json[] = [this.key.jwk];
  /** What the next question is answered with; undefined = 404. */
  jws: string | undefined;
  asked = 0;
  keysAsked = 0;
  /** Answer questions with this status instead. */
  status: number | undefined;
  private revision = 0;
  private rules: Json = NO_RULES;

  constructor(private readonly server: FakeServer) {
    server.routes.push(
      {
        method: "GET",
        path: /^\/\.well-known\/jwks\.json$/,
        answer: () => {
          this.keysAsked += 1;
          return { status: 200, body: { keys: this.published } };
        },
      },
      {
        method: "GET",
        path: /^\/api\/v1\/machine-contracts\/([^/]+)$/,
        answer: ({ token }) => {
          this.asked += 1;
          if (token !== server.token) return { status: 401, body: { detail: "no" } };
          if (this.status !== undefined) return { status: this.status, body: { detail: "not now" } };
          return this.jws === undefined ? { status: 404, body: { detail: "no contract" } } : { status: 200, body: { tenant: "acme", contractId: "x", revision: this.revision, suspended: false, jws: this.jws } };
        },
      },
    );
  }

  payload(changes: Json = {}): Json {
    const rules = { ...this.rules, ...changes };
    const jti = createHash("sha256").update(JSON.stringify([rules, this.revision])).digest("hex");
    return { iss: this.server.url, aud: "sett-machine", sub: "acme", instance: "machine-1", jti, rev: this.revision, iat: 1_800_000_000, ...rules };
  }

  sign(payload: Json, header: Json = {}): string {
    return signJws({ alg: "ES256", typ: "sett-contract+jwt", kid: this.key.kid, ...header }, payload, this.key.secret);
  }

  /** The next revision of the contract, told as an event unless `quiet`. */
  set(changes: Json, quiet = false): number {
    this.revision += 1;
    this.rules = { ...this.rules, ...changes };
    const payload = this.payload();
    this.publish(this.sign(payload), String(payload["jti"]), quiet);
    return this.revision;
  }

  release(): void {
    this.revision += 1;
    this.rules = NO_RULES;
    const { iss, aud, sub, instance, jti, rev, iat } = this.payload();
    this.publish(this.sign({ iss, aud, sub, instance, jti, rev, iat, released: true }), String(jti), false);
  }

  rotate(kid: string): void {
    this.key = signingKey(kid);
    this.published = [this.key.jwk, ...this.published];
  }

  private publish(jws: string, id: string, quiet: boolean): void {
    this.jws = jws;
    if (quiet) return;
    this.server.contract = { id, revision: this.revision };
    if (this.server.port !== 0) this.server.emit({ type: "contract", contract_id: id, revision: this.revision });
  }
}
