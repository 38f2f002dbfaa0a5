import { readJsonFile, writeFileAtomic } from "../core/files";
import { isObject, numberField, stringField, type JsonObject } from "../core/json";
import type { WatchedWire } from "../core/api-types";

/** What the daemon tells other commands about itself, through a file in the home folder. */
export interface DaemonState {
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  readonly server: string;
  readonly instance_id: string | null;
  readonly link: string;
  readonly link_since: string | null;
  readonly last_beat_at: string | null;
  readonly last_error: string | null;
  readonly gateway_status: string;
  readonly gateway_pid: number | null;
  readonly watched: readonly WatchedWire[];
  /** Where the event log was read to, kept across daemons. */
  readonly last_event_id: string | null;
  /** Null on a machine that nobody governs. */
  readonly governance: GovernanceState | null;
}

/** How this machine is governed, for `sett status` and `sett doctor`. */
export interface GovernanceState {
  /** `broken`: there was a contract, and what it said is lost, so every domain is denied. */
  readonly mode: "governed" | "released" | "broken";
  readonly tenant: string | null;
  readonly contract_id: string | null;
  readonly revision: number | null;
  readonly suspended: boolean;
  readonly enforcing: readonly string[];
  readonly advisory: readonly string[];
  readonly proxy_port: number | null;
  readonly synced_at: string | null;
  readonly violations_waiting: number;
  /** What is wrong, or null. */
  readonly problem: string | null;
}

export function writeState(path: string, state: DaemonState): void {
  writeFileAtomic(path, `${JSON.stringify(state, null, 2)}\n`);
}

/** The raw state of the current or last daemon, or undefined. */
export function readState(path: string): JsonObject | undefined {
  const raw = readJsonFile(path);
  return isObject(raw) ? raw : undefined;
}

/** Where to resume: only the id of the same machine on the same server means anything. */
export function resumeFrom(state: JsonObject | undefined, server: string, instanceId: string): string | undefined {
  if (state === undefined || state["server"] !== server || state["instance_id"] !== instanceId) return undefined;
  return stringField(state, "last_event_id");
}

/** The port of the former daemon's proxy: the processes that it left running know it. */
export function proxyPortOf(state: JsonObject | undefined): number | undefined {
  const governance = state?.["governance"];
  return isObject(governance) ? numberField(governance, "proxy_port") : undefined;
}
