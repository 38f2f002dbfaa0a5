import { AppError } from "./errors/app-error";

/** Readers of environment variables, for src/env.ts and for what families read of their own. All throw AppError BAD_ENVIRONMENT that names the variable, never its value. */

/** The error of a variable that must be something else. */
export function bad(name: string, want: string): AppError {
  return new AppError("BAD_ENVIRONMENT", `The variable ${name} must be ${want}.`);
}

/** A whole number of 0 or more. */
export function readInteger(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw bad(name, "a whole number");
  return value;
}

/** `1` or `true` switches on. */
export function readSwitch(name: string, text: string | undefined): boolean {
  if (!text || text === "0" || text === "false") return false;
  if (text === "1" || text === "true") return true;
  throw bad(name, "1 or 0");
}

/** Comma separated. */
export const readList = (text: string | undefined): readonly string[] => (text ?? "").split(",").map((item) => item.trim()).filter((item) => item !== "");

/** An http(s) origin, or null when it is not set. */
export function readUrl(name: string, text: string | undefined): string | null {
  if (!text) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw bad(name, "an http(s) origin");
  return url.origin;
}

/** An http(s) address with its path, without a slash at its end. */
export function readBaseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) throw bad(name, "an http(s) address without credentials or query");
  return url.href.replace(/\/+$/, "");
}

/** A JSON object. */
export function readObject(name: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw bad(name, "a JSON object");
  return value as Readonly<Record<string, unknown>>;
}
