import type { WatchedStatus } from "../core/api-types";
import type { Transport } from "../link/ladder";

/** What happens in the daemon, for the terminal, `--json` and the log. */
export type DaemonEvent =
  | { readonly event: "started"; readonly pid: number; readonly version: string; readonly server: string; readonly home: string }
  | { readonly event: "registered"; readonly instance_id: string; readonly label: string }
  | { readonly event: "linked"; readonly transport: Transport }
  | { readonly event: "unlinked"; readonly transport: Transport; readonly detail: string }
  | { readonly event: "waiting"; readonly detail: string; readonly wait_ms: number }
  | { readonly event: "beat"; readonly reason: string; readonly gateway_status: string; readonly gateway_pid: number | null }
  | { readonly event: "command"; readonly id: string; readonly command_type: string }
  | { readonly event: "result"; readonly id: string; readonly command_type: string; readonly status: string; readonly result: string; readonly delivered: boolean }
  | { readonly event: "process"; readonly name: string; readonly status: WatchedStatus; readonly pid: number | null; readonly restarts: number; readonly detail: string }
  | { readonly event: "bot"; readonly account: string; readonly ok: boolean; readonly detail: string }
  | { readonly event: "governance"; readonly ok: boolean; readonly detail: string; readonly tenant: string | null; readonly revision: number | null; readonly suspended: boolean }
  | { readonly event: "violation"; readonly kind: string; readonly subject: string; readonly detail: string }
  | { readonly event: "config"; readonly ok: boolean; readonly detail: string }
  | { readonly event: "goodbye"; readonly reason: string; readonly left_running: readonly string[] };
