import type { KeyRing } from "./crypto/key-ring";

/** The environment, parsed once per isolate by src/env.ts. */
export interface Config {
  readonly environment: "local" | "staging" | "production";
  /** Origin of the console for links in answers and mail; null means the request's own origin. */
  readonly publicUrl: string | null;
  /** Server part of MXIDs. Ids are reserved under it even while no homeserver is configured. */
  readonly matrixServerName: string;
  /** Version that `GET /health` reports. */
  readonly release: string;
  /** Private JWKs (ES256), newest first, as JSON text; parsed lazily by kernel/auth/access-token. */
  readonly signingKeys: string;
  /** HMAC keys of self-verifying CLI tokens. */
  readonly tokenKeys: KeyRing;
  /** AES-256-GCM keys of values sealed at rest. */
  readonly sealKeys: KeyRing;
  /** Mixed into every password hash; lives outside the database. */
  readonly passwordPepper: Uint8Array<ArrayBuffer>;
  /** Days of the trial that a new account starts with. */
  readonly trialDays: number;
  /** Sender of mail, for example `Sett <no-reply@example.org>`. */
  readonly mailFrom: string;
  /** Most SSE streams that one isolate carries before it answers 503. */
  readonly maxStreamsPerIsolate: number;
  /** Multiplies every rate limit away; only for benchmarks of a local server. */
  readonly rateLimitsOff: boolean;
}
