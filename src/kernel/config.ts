import type { KeyRing } from "./crypto/key-ring";

/** An S3-compatible bucket and the key that signs for it. */
export interface S3Config {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Who delivers mail. */
export type MailConfig =
  | { readonly driver: "mailbox" }
  | { readonly driver: "cloudflare" }
  | { readonly driver: "resend"; readonly apiKey: string; readonly baseUrl: string };

/** Apple's DeviceCheck: one device, one trial. */
export interface AppleConfig {
  readonly teamId: string;
  readonly keyId: string;
  /** The `.p8` file's text. */
  readonly privateKey: string;
  readonly deviceCheckBaseUrl: string;
}

/** An OpenAI-compatible model. */
export interface LlmConfig {
  readonly baseUrl: string;
  /** Null for upstreams that ask for none. */
  readonly apiKey: string | null;
  readonly model: string;
  /** Further fields of every request, for example how the model's thinking is switched off. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

/** Whom to trust, and for tokens made for whom. */
export interface OidcConfig {
  /** Exactly as tokens carry it in `iss`. */
  readonly issuer: string;
  /** `aud` of its access tokens; with Cognito the `client_id`. */
  readonly audience: string;
  /** Where its keys are; null asks its discovery document. */
  readonly jwksUrl: string | null;
}

/** The environment, parsed once per isolate by src/env.ts. */
export interface Config {
  readonly environment: "local" | "staging" | "production";
  /** Origin of the console for links in answers and mail; null means the request's own origin. */
  readonly publicUrl: string | null;
  /** Server part of MXIDs. Ids are reserved under it even while no homeserver is configured. */
  readonly matrixServerName: string;
  /** The homeserver that `matrix-login` asks; null while there is none. */
  readonly matrixBaseUrl: string | null;
  /** Access token of a server administrator there, for deactivating accounts; null leaves them as they are. */
  readonly matrixAdminToken: string | null;
  /** An outside issuer whose access tokens are taken beside our own; null trusts nobody else. */
  readonly oidc: OidcConfig | null;
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
  /** Null: no mail is sent, and what needs mail answers 503. */
  readonly mail: MailConfig | null;
  readonly apple: AppleConfig | null;
  readonly llm: LlmConfig | null;
  /** Most SSE streams that one isolate carries before it answers 503. */
  readonly maxStreamsPerIsolate: number;
  /** The S3-compatible store of files; null keeps them in the R2 binding. */
  readonly s3: S3Config | null;
  /** Origin of the Matrix push gateway (Sygnal); null switches push off. */
  readonly pushGatewayUrl: string | null;
  /** Multiplies every rate limit away; only for benchmarks of a local server. */
  readonly rateLimitsOff: boolean;
}
