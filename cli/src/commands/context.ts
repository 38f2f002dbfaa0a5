import { findAuth, requireAuth, resolveServer, type Auth } from "../core/auth-store";
import { ApiClient } from "../core/http";
import { Output } from "../core/output";
import { settPaths, type Paths } from "../core/paths";

/** Options every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface CliContext {
  readonly paths: Paths;
  readonly out: Output;
  readonly server: string;
  /** The saved login for this server, if any. */
  readonly auth: Auth | undefined;
}

/** Throws a usage error when the server is no URL. */
export function createContext(options: GlobalOptions): CliContext {
  const paths = settPaths(options.config);
  const saved = findAuth(paths);
  const server = resolveServer(options.server, saved);
  return {
    paths,
    server,
    auth: saved?.server === server ? saved : undefined,
    out: new Output({ json: options.json === true, quiet: options.quiet === true }),
  };
}

/** The login and a client for it. Throws "not logged in" (exit 3). */
export function requireClient(context: CliContext): { readonly auth: Auth; readonly api: ApiClient } {
  const auth = requireAuth(context.paths, context.server);
  return { auth, api: new ApiClient(context.server, auth.access_token) };
}
