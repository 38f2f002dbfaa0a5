import { CliError, EXIT } from "./errors";
import { readJsonFile, removeFile, writeFileAtomic } from "./files";
import { stringField } from "./json";
import type { Paths } from "./paths";

export const DEFAULT_SERVER = "http://localhost:8787";

export interface Auth {
  readonly server: string;
  readonly access_token: string;
  readonly user_id: string | null;
  /** ISO time, or null when the token does not say. */
  readonly expires_at: string | null;
  readonly instance_id: string | null;
}

/** The saved login, or undefined when nobody is logged in here. */
export function findAuth(paths: Paths): Auth | undefined {
  const raw = readJsonFile(paths.auth);
  if (raw === undefined) return undefined;
  const server = stringField(raw, "server");
  const token = stringField(raw, "access_token");
  if (server === undefined || token === undefined || token === "") return undefined;
  return {
    server,
    access_token: token,
    user_id: stringField(raw, "user_id") ?? null,
    expires_at: stringField(raw, "expires_at") ?? null,
    instance_id: stringField(raw, "instance_id") ?? null,
  };
}

/** Writes the login atomically, mode 0600, in a 0700 folder. */
export function saveAuth(paths: Paths, auth: Auth): void {
  writeFileAtomic(paths.auth, `${JSON.stringify(auth, null, 2)}\n`);
}

export function deleteAuth(paths: Paths): void {
  removeFile(paths.auth);
}

/**
 * The server to talk to: --server, then SETT_SERVER, then the one of the login, then localhost.
 * Throws a usage error when it is no http(s) URL.
 */
export function resolveServer(option: string | undefined, auth: Auth | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const text = option || env["SETT_SERVER"] || auth?.server || DEFAULT_SERVER;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new CliError(EXIT.usage, `"${text}" is not a URL`, "Give the server as https://HOST or http://HOST:PORT.", "bad_server");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new CliError(EXIT.usage, `"${text}" is not an http or https URL`, "Give the server as https://HOST.", "bad_server");
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/**
 * The login for this server. Throws "not logged in" (exit 3) when there is none, or when the saved token
 * belongs to another server: a token must never be sent to a host it was not made for.
 */
export function requireAuth(paths: Paths, server: string): Auth {
  const auth = findAuth(paths);
  if (auth === undefined) throw new CliError(EXIT.notLoggedIn, "not logged in", "Run: sett login", "not_logged_in");
  if (auth.server !== server) {
    throw new CliError(
      EXIT.notLoggedIn,
      `logged in to ${auth.server}, not to ${server}`,
      `Run: sett login --server ${server}`,
      "not_logged_in",
    );
  }
  return auth;
}
