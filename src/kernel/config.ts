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

/** A homeserver and what we may do there. */
export interface MatrixConfig {
  /** Where we call it. */
  readonly baseUrl: string;
  /** Where bots call it: the address handed out with their credentials. */
  readonly publicUrl: string;
  /** Access token of a server administrator; null leaves accounts, devices and rooms of others alone. */
  readonly adminToken: string | null;
  /** Token of our application service, which drives the bots; null means no bots. */
  readonly botToken: string | null;
  /** `registration_shared_secret`, with which people's accounts are made; null makes none. */
  readonly registrationSecret: string | null;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
}

/** Bots: what an operator decides about them. */
export interface BotsConfig {
  /** Whether bots may run on Hermes. */
  readonly hermesEnabled: boolean;
  /** A redeem must name its machine, as clients since 0.1.14 do. */
  readonly strictRedeem: boolean;
  /** Matrix ids of bots that belong to the system, and of rooms where people ask for help; told to apps. */
  readonly systemBotIds: readonly string[];
  readonly supportRoomIds: readonly string[];
}

/** Apple's DeviceCheck: one device, one trial. */
export interface AppleConfig {
  readonly teamId: string;
  readonly keyId: string;
  /** The `.p8` file's text. */
  readonly privateKey: string;
  readonly deviceCheckBaseUrl: string;
}

/** Purchases in our iOS app. */
export interface AppStoreConfig {
  /** The app's; purchases of every other app are refused. */
  readonly bundleId: string;
  /** For app receipts of older clients; null takes none of them. */
  readonly sharedSecret: string | null;
  readonly receiptBaseUrl: string;
  readonly receiptSandboxBaseUrl: string;
  /** Null asks Apple nothing about signed transactions. */
  readonly serverApi: AppStoreServerApiConfig | null;
  /** Lower-case hexadecimal SHA-256 of the root certificate that signed data must come from. */
  readonly rootSha256: string;
}

/** The App Store Server API, and the in-app purchase key that opens it. */
export interface AppStoreServerApiConfig {
  readonly issuerId: string;
  readonly keyId: string;
  /** The `.p8` file's text. */
  readonly privateKey: string;
  readonly baseUrl: string;
  readonly sandboxBaseUrl: string;
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

/** Stripe: who pays for which plan. */
export interface StripeConfig {
  /** A secret key, or a restricted one that may write customers, checkout, portal, subscriptions and their schedules, and read prices and invoices. */
  readonly secretKey: string;
  /** Signs what Stripe sends us. */
  readonly webhookSecret: string;
  /** Another origin than Stripe's own; null in all deployments. */
  readonly apiBase: string | null;
  /** No money moves: which of a plan's price ids count, and which events are taken. */
  readonly sandbox: boolean;
  /** Saved settings of the customer portal; null takes the account's default. */
  readonly portalConfiguration: string | null;
}

/** Who lets us cloud machines. */
export type ComputeConfig =
  | { readonly driver: "orgo"; readonly apiKey: string; readonly baseUrl: string; /** Where our computers are, by name; made when there is none. */ readonly workspaceName: string; readonly timeoutMs: number }
  /** Local processes instead of machines, kept by the agent that `npm start` runs. */
  | { readonly driver: "process"; readonly agentUrl: string; readonly agentToken: string; /** Where those processes find us. Never what a caller named: they install from there, as the user who runs the server. */ readonly serverUrl: string; readonly timeoutMs: number };

/** A GitHub Actions workflow that tries releases against each other. */
export interface CiConfig {
  /** A token that may write Actions there. */
  readonly token: string;
  /** `owner/name` */
  readonly repository: string;
  /** File name of the workflow. */
  readonly workflow: string;
  /** Branch or tag that it is taken from. */
  readonly ref: string;
  readonly baseUrl: string;
}

/** The environment, parsed once per isolate by src/env.ts. */
export interface Config {
  readonly environment: "local" | "staging" | "production";
  /** A variable that only one family knows, for its own config module to parse; undefined when it is not set. */
  readonly variable: (name: string) => string | undefined;
  /** Origin of the console for links in answers and mail; null means the request's own origin. */
  readonly publicUrl: string | null;
  /** Server part of MXIDs. Ids are reserved under it even while no homeserver is configured. */
  readonly matrixServerName: string;
  /** The homeserver; null while there is none. */
  readonly matrix: MatrixConfig | null;
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
  readonly bots: BotsConfig;
  readonly apple: AppleConfig | null;
  /** Null: nothing can be bought in the App Store. */
  readonly appStore: AppStoreConfig | null;
  /** Purchases that cost nothing count as well: always outside production; there while testers or App Review need it. */
  readonly acceptSandboxPurchases: boolean;
  readonly llm: LlmConfig | null;
  /** Null: no cloud machines. */
  readonly compute: ComputeConfig | null;
  /** Null: nothing is sold. */
  readonly stripe: StripeConfig | null;
  /** Where the pages of the payment provider send people who came from the app; null sends them to the console. */
  readonly appReturnUrl: string | null;
  /** Most SSE streams that one isolate carries before it answers 503. */
  readonly maxStreamsPerIsolate: number;
  /** The S3-compatible store of files; null keeps them in the R2 binding. */
  readonly s3: S3Config | null;
  /** Origin of the Matrix push gateway (Sygnal); null switches push off. */
  readonly pushGatewayUrl: string | null;
  /** Null: no compatibility runs can be started. */
  readonly ci: CiConfig | null;
  /** What reports of compatibility runs bear; null takes none. */
  readonly compatWebhookSecret: string | null;
  /** Where released packages are looked up; null looks nothing up. */
  readonly npmRegistryUrl: string | null;
  /** Multiplies every rate limit away; only for benchmarks of a local server. */
  readonly rateLimitsOff: boolean;
}
