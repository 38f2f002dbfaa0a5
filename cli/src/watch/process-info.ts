import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Who a pid is: two processes never share both pid and start. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque start mark, stable for the life of the process; null where the platform does not tell. */
  readonly start: string | null;
}

export interface ProcStat {
  readonly state: string;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  readonly startTicks: string;
}

/** Parses /proc/PID/stat. The command name may hold spaces and brackets, so fields count from the last ")". Pure. */
export function parseProcStat(text: string): ProcStat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(/\s+/);
  const [state, ppid] = fields;
  const group = fields[2];
  const session = fields[3];
  const startTicks = fields[19];
  if (state === undefined || ppid === undefined || group === undefined || session === undefined || startTicks === undefined) return undefined;
  return { state, ppid: Number(ppid), group: Number(group), session: Number(session), startTicks };
}

let bootId: string | undefined;

function readBootId(): string {
  if (bootId === undefined) {
    try {
      bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().slice(0, 8);
    } catch {
      bootId = "";
    }
  }
  return bootId;
}

/** The identity of a live process; undefined when there is none (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") {
    try {
      const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
      if (stat === undefined || stat.state === "Z" || stat.state === "X") return undefined;
      return { pid, start: `${readBootId()}:${stat.startTicks}` };
    } catch {
      return undefined;
    }
  }
  if (process.platform === "darwin") return identifyWithPs(pid);
  return signalExists(pid) ? { pid, start: null } : undefined;
}

function identifyWithPs(pid: number): ProcessIdentity | undefined {
  try {
    const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", timeout: 3_000 }).trim();
    const [state, ...start] = text.split(/\s+/);
    if (state === undefined || state === "" || state.startsWith("Z")) return undefined;
    return { pid, start: start.join(" ") };
  } catch {
    return undefined;
  }
}

function signalExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && (identity.start === null || now.start === null || now.start === identity.start);
}

/** Sends a signal to a process, or to its whole group; false when it is gone. Throws EPERM. */
export function sendSignal(pid: number, signal: NodeJS.Signals, group = false): boolean {
  try {
    process.kill(group ? -pid : pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Whether anything still runs in a process group. Zombies do not: where nobody reaps them they would count for ever. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = parseProcStat(readFileSync(`/proc/${name}/stat`, "utf8"));
      return stat !== undefined && stat.group === group && stat.state !== "Z" && stat.state !== "X";
    } catch {
      return false;
    }
  });
}
