import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseProcStat } from "./process-info";

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  /** The words of the command line; on platforms without an argument vector, split at spaces. */
  readonly argv: readonly string[];
}

/** Parses `ps -axww -o pid=,ppid=,command=`. Pure. */
export function parsePsOutput(text: string): ProcessRow[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line);
    const command = match?.[3];
    if (match === null || command === undefined) return [];
    return [{ pid: Number(match[1]), ppid: Number(match[2]), argv: command.split(/\s+/) }];
  });
}

/** Parses /proc/PID/cmdline: words end with NUL; a process that set its own title has one word with spaces. Pure. */
export function parseCmdline(text: string): string[] {
  return text.replace(/\0+$/, "").split("\0").filter((word, index) => word !== "" || index > 0);
}

/** Every process this user can see; empty when the platform does not tell. */
export function listProcesses(): ProcessRow[] {
  if (process.platform === "linux") return listProc();
  try {
    return parsePsOutput(execFileSync("ps", ["-axww", "-o", "pid=,ppid=,command="], { encoding: "utf8", timeout: 5_000, maxBuffer: 16 * 1024 * 1024 }));
  } catch {
    return [];
  }
}

function listProc(): ProcessRow[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const argv = parseCmdline(readFileSync(`/proc/${name}/cmdline`, "utf8"));
      const stat = parseProcStat(readFileSync(`/proc/${name}/stat`, "utf8"));
      if (argv.length === 0 || stat === undefined || stat.state === "Z") return [];
      return [{ pid: Number(name), ppid: stat.ppid, argv }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

/** This process and its ancestors: their command lines quote what is searched for, but they are not it. Pure. */
export function ownLineage(rows: readonly ProcessRow[], pid: number): Set<number> {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const lineage = new Set<number>([pid]);
  for (let row = byPid.get(pid); row !== undefined && row.ppid > 1 && !lineage.has(row.ppid); row = byPid.get(row.ppid)) lineage.add(row.ppid);
  return lineage;
}

const SHELLS = new Set(["sh", "bash", "dash", "zsh", "fish"]);

/**
 * The process whose command line matches; of a family of matches the oldest, so a server's workers do not count.
 * A shell that runs the command quotes it too, and is taken only when nothing else matches. Pure.
 */
export function findByPattern(rows: readonly ProcessRow[], pattern: RegExp, exclude: ReadonlySet<number>): ProcessRow | undefined {
  const all = rows.filter((row) => !exclude.has(row.pid) && pattern.test(row.argv.join(" ")));
  const programs = all.filter((row) => !SHELLS.has(basename(row.argv[0] ?? "")));
  const hits = programs.length > 0 ? programs : all;
  const pids = new Set(hits.map((row) => row.pid));
  return hits.find((row) => !pids.has(row.ppid));
}

const NOT_A_GATEWAY = new Set(["sh", "bash", "dash", "zsh", "fish", "su", "sudo", "grep", "rg", "vi", "vim", "nano", "less", "tail", "cat", "ps", "sett", "npm", "ssh", "tmux", "screen"]);
/** `openclaw gateway …` words that make it a short errand and not the gateway itself. */
const ERRANDS = new Set(["status", "restart", "stop", "start", "install", "uninstall", "probe", "call", "health", "usage-cost", "discover", "logs", "--help", "-h", "--version"]);

/** The running openclaw gateway: a command line with both words that is neither an errand nor an editor. Pure. */
export function findOpenclawGateway(rows: readonly ProcessRow[], exclude: ReadonlySet<number>): ProcessRow | undefined {
  return rows.find((row) => !exclude.has(row.pid) && isOpenclawGateway(row.argv));
}

function isOpenclawGateway(argv: readonly string[]): boolean {
  const program = basename(argv[0] ?? "");
  if (NOT_A_GATEWAY.has(program)) return false;
  // A process that set its title ("openclaw-gateway") has one word; split it like a command line.
  const words = argv.length === 1 ? (argv[0] ?? "").split(/[\s-]+/) : [...argv];
  const openclawAt = words.findIndex((word) => /(^|\/)openclaw(\.m?js)?$/i.test(word) || /\/openclaw\/[^ ]*\.m?js$/i.test(word));
  if (openclawAt === -1) return false;
  const gatewayAt = words.findIndex((word, index) => index > openclawAt && /^gateway$/i.test(word));
  return gatewayAt !== -1 && !words.slice(gatewayAt + 1).some((word) => ERRANDS.has(word.toLowerCase()));
}
