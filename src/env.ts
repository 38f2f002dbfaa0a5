import { fromBase64Url } from "./kernel/crypto/bytes";
import { parseKeyRing } from "./kernel/crypto/key-ring";
import type { AppleConfig, AppStoreConfig, AppStoreServerApiConfig, CiConfig, ComputeConfig, Config, LlmConfig, MailConfig, MatrixConfig, OidcConfig, S3Config, StripeConfig } from "./kernel/config";
import type { ObjectBindings } from "./kernel/context";
import type { LimitBindings } from "./kernel/rate-limit/rate-limit";
import { bad, readBaseUrl, readInteger, readList, readObject, readSwitch, readUrl } from "./kernel/variables";

/** Bindings and variables of wrangler.toml plus the secrets of `.dev.vars.example`. */
export interface Env extends LimitBindings, ObjectBindings {
  readonly DB: D1Database;
  readonly FILES: R2Bucket;
  readonly JOBS: Queue;
  readonly ASSETS: Fetcher;
  /** Cloudflare Email Service, for MAIL_DRIVER=cloudflare. */
  readonly EMAIL?: SendEmail;
  readonly ENVIRONMENT?: string;
  readonly PUBLIC_URL?: string;
  readonly MATRIX_SERVER_NAME?: string;
  readonly MATRIX_BASE_URL?: string;
  readonly MATRIX_PUBLIC_URL?: string;
  readonly MATRIX_ADMIN_TOKEN?: string;
  readonly MATRIX_AS_TOKEN?: string;
  readonly MATRIX_REGISTRATION_SECRET?: string;
  readonly MATRIX_TIMEOUT_MS?: string;
  readonly HERMES_RUNTIME_ENABLED?: string;
  readonly STRICT_REDEEM?: string;
  readonly SYSTEM_BOT_IDS?: string;
  readonly SUPPORT_ROOM_IDS?: string;
  readonly OIDC_ISSUER?: string;
  readonly OIDC_AUDIENCE?: string;
  readonly OIDC_JWKS_URL?: string;
  readonly RELEASE?: string;
  readonly SIGNING_KEYS?: string;
  readonly TOKEN_KEYS?: string;
  readonly SEAL_KEYS?: string;
  readonly PASSWORD_PEPPER?: string;
  readonly TRIAL_DURATION_DAYS?: string;
  readonly MAIL_FROM?: string;
  readonly MAIL_DRIVER?: string;
  readonly RESEND_API_KEY?: string;
  readonly RESEND_BASE_URL?: string;
  readonly APPLE_TEAM_ID?: string;
  readonly APPLE_KEY_ID?: string;
  readonly APPLE_PRIVATE_KEY?: string;
  readonly APPLE_DEVICECHECK_BASE_URL?: string;
  readonly APPLE_BUNDLE_ID?: string;
  readonly APPLE_MODE?: string;
  readonly APPLE_SHARED_SECRET?: string;
  readonly APPLE_ISSUER_ID?: string;
  readonly APPLE_STOREKIT_KEY_ID?: string;
  readonly APPLE_STOREKIT_PRIVATE_KEY?: string;
  readonly APPLE_RECEIPT_BASE_URL?: string;
  readonly APPLE_RECEIPT_SANDBOX_BASE_URL?: string;
  readonly APPLE_STOREKIT_BASE_URL?: string;
  readonly APPLE_STOREKIT_SANDBOX_BASE_URL?: string;
  readonly APPLE_ROOT_CA_SHA256?: string;
  readonly APPLE_ACCEPT_SANDBOX?: string;
  readonly LLM_BASE_URL?: string;
  readonly LLM_API_KEY?: string;
  readonly LLM_MODEL?: string;
  readonly LLM_OPTIONS?: string;
  readonly LLM_TIMEOUT_SECONDS?: string;
  readonly COMPUTE_DRIVER?: string;
  readonly COMPUTE_TIMEOUT_MS?: string;
  readonly ORGO_API_KEY?: string;
  readonly ORGO_BASE_URL?: string;
  readonly ORGO_WORKSPACE?: string;
  readonly PROCESS_AGENT_URL?: string;
  readonly PROCESS_AGENT_TOKEN?: string;
  readonly PROCESS_SERVER_URL?: string;
  readonly STRIPE_SECRET_KEY?: string;
  readonly STRIPE_WEBHOOK_SECRET?: string;
  readonly STRIPE_API_BASE?: string;
  readonly STRIPE_IS_SANDBOX?: string;
  readonly STRIPE_PORTAL_CONFIGURATION?: string;
  readonly APP_RETURN_URL?: string;
  readonly MAX_STREAMS_PER_ISOLATE?: string;
  readonly S3_ENDPOINT?: string;
  readonly S3_BUCKET?: string;
  readonly S3_ACCESS_KEY_ID?: string;
  readonly S3_SECRET_ACCESS_KEY?: string;
  readonly S3_REGION?: string;
  readonly PUSH_GATEWAY_URL?: string;
  readonly GITHUB_DISPATCH_TOKEN?: string;
  readonly GITHUB_DISPATCH_REPO?: string;
  readonly GITHUB_DISPATCH_WORKFLOW?: string;
  readonly GITHUB_DISPATCH_REF?: string;
  readonly GITHUB_API_BASE?: string;
  readonly COMPAT_WEBHOOK_SECRET?: string;
  readonly NPM_REGISTRY_URL?: string;
  readonly RATE_LIMITS?: string;
  /** `on`: requests may ask what they cost in D1 (kernel/db/tally). For benchmarks; without meaning outside the local environment. */
  readonly D1_TALLY?: string;
}

const parsed = new WeakMap<Env, Config>();

/**
 * The environment as a {@link Config}. Written by hand because the heartbeat path passes here and loads no schema library.
 * @throws AppError BAD_ENVIRONMENT naming the variable (never its value).
 */
export function readEnv(env: Env): Config {
  const known = parsed.get(env);
  if (known) return known;
  const config = parse(env);
  parsed.set(env, config);
  return config;
}

function parse(env: Env): Config {
  const environment = env.ENVIRONMENT ?? "production";
  if (environment !== "local" && environment !== "staging" && environment !== "production") throw bad("ENVIRONMENT", "local, staging or production");
  const tokenKeys = parseKeyRing(env.TOKEN_KEYS ?? "", 32);
  if (!tokenKeys) throw bad("TOKEN_KEYS", "id:base64url of 32 bytes or more, comma separated, newest first");
  const sealKeys = parseKeyRing(env.SEAL_KEYS ?? "", 32);
  if (!sealKeys) throw bad("SEAL_KEYS", "id:base64url of 32 bytes, comma separated, newest first");
  const passwordPepper = fromBase64Url(env.PASSWORD_PEPPER ?? "");
  if (!passwordPepper || passwordPepper.length < 16) throw bad("PASSWORD_PEPPER", "base64url of 16 bytes or more");
  if (!env.SIGNING_KEYS) throw bad("SIGNING_KEYS", "a JSON array of private ES256 JWKs with kid, newest first");
  return {
    environment,
    variable: (name) => {
      const value = (env as unknown as Readonly<Record<string, unknown>>)[name];
      return typeof value === "string" && value !== "" ? value : undefined;
    },
    publicUrl: readUrl("PUBLIC_URL", env.PUBLIC_URL),
    matrixServerName: env.MATRIX_SERVER_NAME || "sett.localhost",
    matrix: readMatrix(env),
    bots: {
      hermesEnabled: readSwitch("HERMES_RUNTIME_ENABLED", env.HERMES_RUNTIME_ENABLED),
      strictRedeem: readSwitch("STRICT_REDEEM", env.STRICT_REDEEM),
      systemBotIds: readList(env.SYSTEM_BOT_IDS),
      supportRoomIds: readList(env.SUPPORT_ROOM_IDS),
    },
    oidc: readOidc(env, environment === "local"),
    release: env.RELEASE || "dev",
    signingKeys: env.SIGNING_KEYS,
    tokenKeys,
    sealKeys,
    passwordPepper,
    trialDays: readInteger("TRIAL_DURATION_DAYS", env.TRIAL_DURATION_DAYS, 14),
    mailFrom: env.MAIL_FROM || "Sett <no-reply@sett.localhost>",
    mail: readMail(env, environment),
    apple: readApple(env),
    appStore: readAppStore(env, environment === "local"),
    acceptSandboxPurchases: readSwitch("APPLE_ACCEPT_SANDBOX", env.APPLE_ACCEPT_SANDBOX) || environment !== "production",
    llm: readLlm(env),
    compute: readCompute(env, environment === "local"),
    stripe: readStripe(env),
    appReturnUrl: readAppReturnUrl(env),
    maxStreamsPerIsolate: readInteger("MAX_STREAMS_PER_ISOLATE", env.MAX_STREAMS_PER_ISOLATE, 5_000),
    s3: readS3(env),
    pushGatewayUrl: readUrl("PUSH_GATEWAY_URL", env.PUSH_GATEWAY_URL),
    ci: readCi(env),
    compatWebhookSecret: readCompatWebhookSecret(env),
    npmRegistryUrl: readNpmRegistry(env),
    rateLimitsOff: environment === "local" && env.RATE_LIMITS === "off",
  };
}

function readMatrix(env: Env): MatrixConfig | null {
  const baseUrl = readUrl("MATRIX_BASE_URL", env.MATRIX_BASE_URL);
  if (baseUrl === null) return null;
  if (!env.MATRIX_SERVER_NAME) throw bad("MATRIX_SERVER_NAME", "set to the homeserver's server_name, together with MATRIX_BASE_URL");
  const timeoutMs = readInteger("MATRIX_TIMEOUT_MS", env.MATRIX_TIMEOUT_MS, 10_000);
  if (timeoutMs === 0) throw bad("MATRIX_TIMEOUT_MS", "1 or more");
  return {
    baseUrl,
    publicUrl: readUrl("MATRIX_PUBLIC_URL", env.MATRIX_PUBLIC_URL) ?? baseUrl,
    adminToken: env.MATRIX_ADMIN_TOKEN || null,
    botToken: env.MATRIX_AS_TOKEN || null,
    registrationSecret: env.MATRIX_REGISTRATION_SECRET || null,
    timeoutMs,
  };
}

/** All of the store's four variables or none: half of them would quietly put files elsewhere. */
function readS3(env: Env): S3Config | null {
  const endpoint = readUrl("S3_ENDPOINT", env.S3_ENDPOINT);
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (endpoint && bucket && accessKeyId && secretAccessKey) return { endpoint, bucket, region: env.S3_REGION || "auto", accessKeyId, secretAccessKey };
  if (endpoint || bucket || accessKeyId || secretAccessKey) throw bad("S3_ENDPOINT", "set together with S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or not at all");
  return null;
}

/** Keys fetched over plain HTTP could be anybody's, so outside of the local environment they are not. */
function readOidc(env: Env, allowHttp: boolean): OidcConfig | null {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_JWKS_URL: jwksUrl } = env;
  if (!issuer && !audience) return null;
  if (!issuer || !audience) throw bad("OIDC_ISSUER", "set together with OIDC_AUDIENCE, or not at all");
  for (const [name, text] of [["OIDC_ISSUER", issuer], ["OIDC_JWKS_URL", jwksUrl]] as const) {
    if (text && (!URL.canParse(text) || !(allowHttp ? /^https?:/ : /^https:/).test(text))) throw bad(name, "an https address");
  }
  return { issuer, audience, jwksUrl: jwksUrl || null };
}

/** Without a driver mail is local only. The mailbox shows every code to everybody, so it fails closed elsewhere. */
function readMail(env: Env, environment: Config["environment"]): MailConfig | null {
  const driver = env.MAIL_DRIVER || (environment === "local" ? "mailbox" : null);
  if (driver === null) return null;
  if (driver === "mailbox") {
    if (environment !== "local") throw bad("MAIL_DRIVER", "cloudflare or resend outside the local environment");
    return { driver };
  }
  if (driver !== "cloudflare" && driver !== "resend") throw bad("MAIL_DRIVER", "mailbox, cloudflare or resend");
  if (!env.MAIL_FROM) throw bad("MAIL_FROM", `set, for example Sett <no-reply@example.org>, when MAIL_DRIVER is ${driver}`);
  if (driver === "cloudflare") {
    if (!env.EMAIL) throw bad("MAIL_DRIVER", "another, or wrangler.toml must bind send_email as EMAIL");
    return { driver };
  }
  if (!env.RESEND_API_KEY) throw bad("RESEND_API_KEY", "set when MAIL_DRIVER is resend");
  return { driver, apiKey: env.RESEND_API_KEY, baseUrl: readBaseUrl("RESEND_BASE_URL", env.RESEND_BASE_URL || "https://api.resend.com") };
}

function readApple(env: Env): AppleConfig | null {
  const { APPLE_TEAM_ID: teamId, APPLE_KEY_ID: keyId, APPLE_PRIVATE_KEY: privateKey } = env;
  if (!teamId && !keyId && !privateKey) return null;
  if (!teamId) throw bad("APPLE_TEAM_ID", "set, like the other two of Apple's key");
  if (!keyId) throw bad("APPLE_KEY_ID", "set, like the other two of Apple's key");
  if (!privateKey) throw bad("APPLE_PRIVATE_KEY", "set, like the other two of Apple's key");
  return { teamId, keyId, privateKey, deviceCheckBaseUrl: readBaseUrl("APPLE_DEVICECHECK_BASE_URL", env.APPLE_DEVICECHECK_BASE_URL || "https://api.devicecheck.apple.com") };
}

/** Apple Root CA - G3, which ends the chain of everything that the App Store signs. */
const APPLE_ROOT_CA_G3_SHA256 = "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179";

/** Another root, or Apple's answers over plain HTTP, would let anybody sell subscriptions, so both stay in the local environment. */
function readAppStore(env: Env, isLocal: boolean): AppStoreConfig | null {
  const bundleId = env.APPLE_BUNDLE_ID;
  if (!bundleId) {
    if (env.APPLE_SHARED_SECRET || env.APPLE_ISSUER_ID) throw bad("APPLE_BUNDLE_ID", "set when purchases in the App Store are configured");
    return null;
  }
  const mode = env.APPLE_MODE || "receipts";
  if (mode !== "receipts" && mode !== "server_api") throw bad("APPLE_MODE", "receipts or server_api");
  if (mode === "receipts" && !env.APPLE_SHARED_SECRET) throw bad("APPLE_SHARED_SECRET", "set when APPLE_MODE is receipts");
  const rootSha256 = (env.APPLE_ROOT_CA_SHA256 || APPLE_ROOT_CA_G3_SHA256).replaceAll(":", "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(rootSha256)) throw bad("APPLE_ROOT_CA_SHA256", "the SHA-256 fingerprint of a certificate");
  if (!isLocal && rootSha256 !== APPLE_ROOT_CA_G3_SHA256) throw bad("APPLE_ROOT_CA_SHA256", "left out outside the local environment");
  const url = (name: keyof Env, text: string | undefined, fallback: string): string => {
    const address = readBaseUrl(name, text || fallback);
    if (!isLocal && !address.startsWith("https:")) throw bad(name, "an https address");
    return address;
  };
  return {
    bundleId,
    sharedSecret: env.APPLE_SHARED_SECRET || null,
    receiptBaseUrl: url("APPLE_RECEIPT_BASE_URL", env.APPLE_RECEIPT_BASE_URL, "https://buy.itunes.apple.com"),
    receiptSandboxBaseUrl: url("APPLE_RECEIPT_SANDBOX_BASE_URL", env.APPLE_RECEIPT_SANDBOX_BASE_URL, "https://sandbox.itunes.apple.com"),
    serverApi: mode === "receipts" ? null : readAppStoreServerApi(env, url),
    rootSha256,
  };
}

/** Apple makes keys for in-app purchases and for DeviceCheck in different places; one that serves both may stand once. */
function readAppStoreServerApi(env: Env, url: (name: keyof Env, text: string | undefined, fallback: string) => string): AppStoreServerApiConfig {
  const [keyId, privateKey] = [env.APPLE_STOREKIT_KEY_ID || env.APPLE_KEY_ID, env.APPLE_STOREKIT_PRIVATE_KEY || env.APPLE_PRIVATE_KEY];
  if (!env.APPLE_ISSUER_ID) throw bad("APPLE_ISSUER_ID", "set when APPLE_MODE is server_api");
  if (!keyId) throw bad("APPLE_STOREKIT_KEY_ID", "set when APPLE_MODE is server_api");
  if (!privateKey) throw bad("APPLE_STOREKIT_PRIVATE_KEY", "set when APPLE_MODE is server_api");
  return {
    issuerId: env.APPLE_ISSUER_ID,
    keyId,
    privateKey,
    baseUrl: url("APPLE_STOREKIT_BASE_URL", env.APPLE_STOREKIT_BASE_URL, "https://api.storekit.itunes.apple.com"),
    sandboxBaseUrl: url("APPLE_STOREKIT_SANDBOX_BASE_URL", env.APPLE_STOREKIT_SANDBOX_BASE_URL, "https://api.storekit-sandbox.itunes.apple.com"),
  };
}

function readLlm(env: Env): LlmConfig | null {
  const { LLM_BASE_URL: baseUrl, LLM_MODEL: model } = env;
  if (!baseUrl && !model && !env.LLM_API_KEY) return null;
  if (!baseUrl) throw bad("LLM_BASE_URL", "set when a model is configured");
  if (!model) throw bad("LLM_MODEL", "set when a model is configured");
  const timeoutSeconds = readInteger("LLM_TIMEOUT_SECONDS", env.LLM_TIMEOUT_SECONDS, 60);
  if (timeoutSeconds === 0) throw bad("LLM_TIMEOUT_SECONDS", "1 or more");
  return { baseUrl: readBaseUrl("LLM_BASE_URL", baseUrl), apiKey: env.LLM_API_KEY || null, model, options: readObject("LLM_OPTIONS", env.LLM_OPTIONS || '{"thinking":{"type":"disabled"}}'), timeoutMs: timeoutSeconds * 1_000 };
}

/** A driver must be named: one that is half configured would make machines that nobody can take down. */
function readCompute(env: Env, isLocal: boolean): ComputeConfig | null {
  const driver = env.COMPUTE_DRIVER;
  if (!driver) return null;
  const timeoutMs = readInteger("COMPUTE_TIMEOUT_MS", env.COMPUTE_TIMEOUT_MS, 20_000);
  // A step makes up to three calls, and must be over before its claim on the row is.
  if (timeoutMs === 0 || timeoutMs > 25_000) throw bad("COMPUTE_TIMEOUT_MS", "1 to 25000");
  if (driver === "orgo") {
    if (!env.ORGO_API_KEY) throw bad("ORGO_API_KEY", "set when COMPUTE_DRIVER is orgo");
    if (!isLocal && !env.PUBLIC_URL) throw bad("PUBLIC_URL", "set when COMPUTE_DRIVER is orgo, so that its machines find us");
    return { driver, apiKey: env.ORGO_API_KEY, baseUrl: readBaseUrl("ORGO_BASE_URL", env.ORGO_BASE_URL || "https://www.orgo.ai/api"), workspaceName: env.ORGO_WORKSPACE || "sett", timeoutMs };
  }
  if (driver === "process") {
    if (!isLocal) throw bad("COMPUTE_DRIVER", "another than process outside the local environment");
    if (!env.PROCESS_AGENT_TOKEN || !env.PROCESS_AGENT_URL || !env.PROCESS_SERVER_URL) throw bad("PROCESS_AGENT_URL", "set together with PROCESS_AGENT_TOKEN and PROCESS_SERVER_URL when COMPUTE_DRIVER is process (npm start does)");
    return { driver, agentUrl: readBaseUrl("PROCESS_AGENT_URL", env.PROCESS_AGENT_URL), agentToken: env.PROCESS_AGENT_TOKEN, serverUrl: readBaseUrl("PROCESS_SERVER_URL", env.PROCESS_SERVER_URL), timeoutMs };
  }
  throw bad("COMPUTE_DRIVER", "orgo or process");
}

/** Both or none: a token without a repository starts nothing. */
function readCi(env: Env): CiConfig | null {
  const { GITHUB_DISPATCH_TOKEN: token, GITHUB_DISPATCH_REPO: repository } = env;
  if (!token && !repository) return null;
  if (!token) throw bad("GITHUB_DISPATCH_TOKEN", "set together with GITHUB_DISPATCH_REPO, or not at all");
  if (!repository || !/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository)) throw bad("GITHUB_DISPATCH_REPO", "owner/name, set together with GITHUB_DISPATCH_TOKEN");
  return { token, repository, workflow: env.GITHUB_DISPATCH_WORKFLOW || "openclaw-compat.yml", ref: env.GITHUB_DISPATCH_REF || "main", baseUrl: readBaseUrl("GITHUB_API_BASE", env.GITHUB_API_BASE || "https://api.github.com") };
}

/** A short one could be guessed by whoever tries long enough. */
function readCompatWebhookSecret({ COMPAT_WEBHOOK_SECRET: secret }: Env): string | null {
  if (!secret) return null;
  if (secret.length < 16) throw bad("COMPAT_WEBHOOK_SECRET", "16 characters or more");
  return secret;
}

/** Nobody is asked unless told whom: a mirror is as good as the public one. */
function readNpmRegistry({ NPM_REGISTRY_URL: text }: Env): string | null {
  return !text || text === "off" ? null : readBaseUrl("NPM_REGISTRY_URL", text);
}

/** Both secrets or none: plans are paid on Stripe's pages, and we hear of it by its webhooks alone. */
function readStripe(env: Env): StripeConfig | null {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret } = env;
  if (!secretKey && !webhookSecret) return null;
  if (!secretKey) throw bad("STRIPE_SECRET_KEY", "set together with STRIPE_WEBHOOK_SECRET, or not at all");
  if (!webhookSecret) throw bad("STRIPE_WEBHOOK_SECRET", "set together with STRIPE_SECRET_KEY, or not at all");
  return {
    secretKey,
    webhookSecret,
    apiBase: readUrl("STRIPE_API_BASE", env.STRIPE_API_BASE),
    sandbox: env.STRIPE_IS_SANDBOX ? readSwitch("STRIPE_IS_SANDBOX", env.STRIPE_IS_SANDBOX) : /^[rs]k_test_/.test(secretKey),
    portalConfiguration: env.STRIPE_PORTAL_CONFIGURATION || null,
  };
}

/** Any scheme: an app registers its own. */
function readAppReturnUrl({ APP_RETURN_URL: text }: Env): string | null {
  if (!text) return null;
  if (!URL.canParse(text) || /^(javascript|data|blob|file):/i.test(text)) throw bad("APP_RETURN_URL", "an address that opens the app");
  return text;
}
