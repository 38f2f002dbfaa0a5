import { deleteAuth } from "../core/auth-store";
import { findLockHolder } from "../daemon/lock";
import { ApiClient } from "../core/http";
import { CLI_VERSION } from "../version";
import { hostname } from "node:os";
import type { CliContext } from "./context";
import { stopDaemon } from "./up";

const LIMIT_MS = 5_000;

/** `sett logout`: takes this machine offline as far as the server can be reached, and forgets the token. */
export async function logout(context: CliContext): Promise<void> {
  const { auth, out, paths } = context;
  if (findLockHolder(paths.lock) !== undefined) await stopDaemon(paths);
  if (auth?.instance_id != null) {
    const api = new ApiClient(auth.server, auth.access_token);
    const register = { instance_id: auth.instance_id, label: hostname(), version: CLI_VERSION, online: false };
    await Promise.allSettled([
      api.request("POST", "/api/v1/openclaw/register", { body: register, timeoutMs: LIMIT_MS }),
      api.request("POST", "/api/v1/dashboard/disconnect", { body: { instance_id: auth.instance_id }, timeoutMs: LIMIT_MS }),
    ]);
  }
  deleteAuth(paths);
  if (out.options.json) out.json({ event: "logged_out" });
  else out.note(`${out.errColors.green("✓")} logged out`);
}
