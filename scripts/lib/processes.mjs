import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/**
 * A live process: what runs and when it began. Both together tell it from a later one with the same pid.
 * @typedef {{ command: string, started: string }} ProcessFacts
 */

/** Null when there is no such process (or it is a zombie). @param {number} pid @returns {ProcessFacts | null} */
export function describeProcess(pid) {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

/** @param {number} pid @returns {ProcessFacts | null} */
function fromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; the fields after it do not. State is the first, start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    return { command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim(), started: `${bootId()}:${fields[19]}` };
  } catch {
    return null;
  }
}

function bootId() {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** @param {number} pid @returns {ProcessFacts | null} */
function fromPs(pid) {
  if (process.platform === "win32") return isAlive(pid) ? { command: "", started: "" } : null;
  try {
    const text = execFileSync("ps", ["-o", "lstart=,command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return text === "" ? null : { started: text.slice(0, 24), command: text.slice(24).trim() };
  } catch {
    return null;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Pids of the direct children of `parent`. @param {number} parent @returns {number[]} */
export function childrenOf(parent) {
  if (process.platform === "linux") {
    return readdirSync("/proc").map(Number).filter((pid) => pid > 0 && parentOf(pid) === parent);
  }
  if (process.platform === "win32") return [];
  const table = execFileSync("ps", ["-axo", "pid=,ppid="], { encoding: "utf8" });
  return table.split("\n").map((line) => line.trim().split(/\s+/).map(Number)).filter(([, ppid]) => ppid === parent).map(([pid]) => pid ?? 0);
}

/** @param {number} pid */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return -1;
  }
}

const LAUNCHER_POLL_MS = 500;
const NPM = /(^|[\s/\\])npm(-cli\.js)?(\s|$)/;

/**
 * Calls `gone` when the npm that started us is gone: npm passes signals to its shell only, and dies of SIGKILL without a word; either
 * way we would stay behind unseen. Does nothing when npm did not start us.
 * @param {() => void} gone
 */
export function watchLauncher(gone) {
  const script = basename(process.argv[1] ?? "");
  if (!process.env["npm_lifecycle_script"]?.includes(`scripts/${script}`) || process.platform === "win32") return;
  const shell = process.ppid;
  const isNpm = (/** @type {number} */ pid) => NPM.test(describeProcess(pid)?.command.replace(/^\S*sh -c .*/, "") ?? "");
  // Some shells replace themselves by the command; then npm is our parent.
  const npm = isNpm(shell) ? null : process.platform === "linux" ? parentOf(shell) : null;
  const timer = setInterval(() => {
    if (process.ppid === shell && (npm === null || parentOf(shell) === npm)) return;
    clearInterval(timer);
    gone();
  }, LAUNCHER_POLL_MS);
  timer.unref();
}

/**
 * Ends a process for good and waits until it is gone.
 * @param {number} pid
 * @param {number} timeoutMs
 * @returns {Promise<boolean>} whether it is gone
 */
export async function endProcess(pid, timeoutMs = 5_000) {
  const deadline = Date.now() + timeoutMs;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return describeProcess(pid) === null;
  }
  while (Date.now() < deadline) {
    if (describeProcess(pid) === null) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return false;
}
