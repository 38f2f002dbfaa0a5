/** Structured logs: one JSON object a line, with an `event` in dotted nouns. Secret-like keys do not compile, and are redacted if they come anyway. */

type SecretLike = "token" | "access_token" | "refresh_token" | "password" | "secret" | "authorization" | "cookie" | "body" | "code" | "otp" | "key" | "api_key" | "code_verifier";

/** Field values a log line may carry. */
type LogValue = string | number | boolean | null | undefined | readonly string[];

export type LogFields = { readonly event: string; readonly [field: string]: LogValue } & { readonly [K in SecretLike]?: never };

export interface Logger {
  info(message: string, fields: LogFields): void;
  warn(message: string, fields: LogFields): void;
  error(message: string, fields: LogFields): void;
}

const SECRET_KEY = /(token|password|secret|authorization|cookie|otp|verifier|api_?key|private)(?!.*_id$)|^body$|^code$|^key$/i;

/** Replaces the values of secret-like keys; exported for its test. */
export function redact(fields: Readonly<Record<string, LogValue>>): Record<string, LogValue> {
  const out: Record<string, LogValue> = {};
  for (const [name, value] of Object.entries(fields)) out[name] = SECRET_KEY.test(name) ? "[redacted]" : value;
  return out;
}

export function createLogger(base: Readonly<Record<string, LogValue>>, write: (level: "log" | "warn" | "error", line: string) => void = (level, line) => console[level](line)): Logger {
  const emit = (level: "log" | "warn" | "error", name: string) => (message: string, fields: LogFields) =>
    write(level, JSON.stringify({ level: name, message, ...redact({ ...base, ...fields }) }));
  return { info: emit("log", "info"), warn: emit("warn", "warn"), error: emit("error", "error") };
}

/** What may be logged of an unknown failure: its class and message, never its fields. */
export function describeError(error: unknown): { error_name: string; error_message: string } {
  return error instanceof Error ? { error_name: error.name, error_message: error.message.slice(0, 500) } : { error_name: "unknown", error_message: String(error).slice(0, 500) };
}

/** What is behind a failure that was put into words for callers: operators need the other words. */
export const describeCause = (error: unknown): ReturnType<typeof describeError> => describeError(error instanceof Error && error.cause instanceof Error ? error.cause : error);
