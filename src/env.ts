import { fromBase64Url } from "./kernel/crypto/bytes";
import { parseKeyRing } from "./kernel/crypto/key-ring";
import type { Config } from "./kernel/config";
import type { ObjectBindings } from "./kernel/context";
import { AppError } from "./kernel/errors/app-error";
import type { LimitBindings } from "./kernel/rate-limit/rate-limit";

/** Bindings and variables of wrangler.toml plus the secrets of `.dev.vars.example`. */
export interface Env extends LimitBindings, ObjectBindings {
  readonly DB: D1Database;
  readonly FILES: R2Bucket;
  readonly JOBS: Queue;
  readonly ASSETS: Fetcher;
  readonly ENVIRONMENT?: string;
  readonly PUBLIC_URL?: string;
  readonly MATRIX_SERVER_NAME?: string;
  readonly RELEASE?: string;
  readonly SIGNING_KEYS?: string;
  readonly TOKEN_KEYS?: string;
  readonly SEAL_KEYS?: string;
  readonly PASSWORD_PEPPER?: string;
  readonly TRIAL_DURATION_DAYS?: string;
  readonly MAIL_FROM?: string;
  readonly MAX_STREAMS_PER_ISOLATE?: string;
  readonly RATE_LIMITS?: string;
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

function bad(name: string, want: string): AppError {
  return new AppError("BAD_ENVIRONMENT", `The variable ${name} must be ${want}.`);
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
    publicUrl: readUrl("PUBLIC_URL", env.PUBLIC_URL),
    matrixServerName: env.MATRIX_SERVER_NAME || "sett.localhost",
    release: env.RELEASE || "dev",
    signingKeys: env.SIGNING_KEYS,
    tokenKeys,
    sealKeys,
    passwordPepper,
    trialDays: readInteger("TRIAL_DURATION_DAYS", env.TRIAL_DURATION_DAYS, 14),
    mailFrom: env.MAIL_FROM || "Sett <no-reply@sett.localhost>",
    maxStreamsPerIsolate: readInteger("MAX_STREAMS_PER_ISOLATE", env.MAX_STREAMS_PER_ISOLATE, 5_000),
    rateLimitsOff: environment === "local" && env.RATE_LIMITS === "off",
  };
}

function readInteger(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw bad(name, "a whole number");
  return value;
}

function readUrl(name: string, text: string | undefined): string | null {
  if (!text) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw bad(name, "an http(s) origin");
  return url.origin;
}
