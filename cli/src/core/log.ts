import { appendFileSync, copyFileSync, mkdirSync, renameSync, statSync, truncateSync } from "node:fs";
import { dirname } from "node:path";

export const LOG_MAX_BYTES = 5 * 1024 * 1024;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Keys that must never be logged; refused by type where written literally, and at run time everywhere. */
type SecretKey = "token" | "access_token" | "authorization" | "secret" | "password" | "code_verifier";
export type LogFields = { readonly [key: string]: unknown } & { readonly [K in SecretKey]?: never };

const SECRET_KEY = /token|authorization|secret|password|passwd|cookie|verifier|api_?key/i;

/** A copy fit for a log: secret-looking keys are refused and known secret values are blanked. */
export function scrub(value: unknown, secrets: readonly string[] = [], depth = 0): unknown {
  if (typeof value === "string") return secrets.reduce((text, secret) => (secret.length >= 8 ? text.replaceAll(secret, "[refused]") : text), value);
  if (value instanceof Error) return scrub(value.message, secrets, depth);
  if (depth > 6) return "[deep]";
  if (Array.isArray(value)) return value.map((item: unknown) => scrub(item, secrets, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, SECRET_KEY.test(key) ? "[refused]" : scrub(item, secrets, depth + 1)]),
  );
}

/** The daemon's own log: one JSON object a line, two files of 5 MiB. A full disk must not stop the daemon. */
export class Logger {
  private readonly secrets: Set<string>;

  constructor(
    private readonly path: string,
    secrets: readonly string[] = [],
    private readonly now: () => number = Date.now,
  ) {
    this.secrets = new Set(secrets);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  }

  /** Blanks this text from now on, wherever it turns up. */
  hide(secret: string): void {
    this.secrets.add(secret);
  }

  debug(event: string, fields: LogFields = {}): void {
    this.write("debug", event, fields);
  }
  info(event: string, fields: LogFields = {}): void {
    this.write("info", event, fields);
  }
  warn(event: string, fields: LogFields = {}): void {
    this.write("warn", event, fields);
  }
  error(event: string, fields: LogFields = {}): void {
    this.write("error", event, fields);
  }

  private write(level: LogLevel, event: string, fields: LogFields): void {
    const line = { at: new Date(this.now()).toISOString(), level, event, ...(scrub(fields, [...this.secrets]) as LogFields) };
    try {
      if (fileSize(this.path) > LOG_MAX_BYTES) renameSync(this.path, `${this.path}.1`);
      appendFileSync(this.path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch {
      // Nowhere left to say it; the daemon's work matters more than its log.
    }
  }
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Rotates a log another process holds open for appending: copies it aside, then empties it, so the writer needs no
 * signal. What is written between the two steps is lost, which is the known price of this method.
 * Returns true when it rotated. Throws the fs error.
 */
export function rotateOpenLog(path: string, maxBytes: number = LOG_MAX_BYTES): boolean {
  if (fileSize(path) <= maxBytes) return false;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  return true;
}
