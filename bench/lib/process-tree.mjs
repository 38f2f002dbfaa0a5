/**
 * CPU and memory of a server: its process and everything below it, read from /proc. Linux only; elsewhere the numbers are NaN.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** @typedef {{ cpuMs: number, memoryMb: number, processes: number }} TreeUsage */

let ticksPerSecond = 0;

function clockTicks() {
  if (ticksPerSecond === 0) ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) || 100;
  return ticksPerSecond;
}

/** Fields of /proc/<pid>/stat after the name, which may hold spaces; null when the process is gone. @param {number} pid */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

/** `root` and all its descendants, parents first. @param {number} root @returns {number[]} */
export function treeOf(root) {
  if (process.platform !== "linux") return [root];
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const pid of readdirSync("/proc").map(Number).filter((n) => n > 0)) {
    const parent = Number(statOf(pid)?.[1] ?? -1);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = statOf(root) === null ? [] : [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The share of memory that is this process's own (Pss): memory that processes share counts once in a sum. @param {number} pid */
function memoryKbOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    try {
      return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  }
}

/** Milliseconds of CPU that the tree used so far, children that ended included. @param {readonly number[]} roots */
export function cpuMsOf(roots) {
  if (process.platform !== "linux") return Number.NaN;
  let ticks = 0;
  for (const root of roots) {
    // User and system time of the process itself, and of children that were waited for.
    for (const pid of treeOf(root)) for (const field of [11, 12, 13, 14]) ticks += Number(statOf(pid)?.[field] ?? 0);
  }
  return (ticks / clockTicks()) * 1_000;
}

/** @param {readonly number[]} roots */
export function memoryMbOf(roots) {
  if (process.platform !== "linux") return Number.NaN;
  return roots.flatMap(treeOf).reduce((sum, pid) => sum + memoryKbOf(pid), 0) / 1_024;
}

/** @param {number} pid */
const isAlive = (pid) => (statOf(pid)?.[0] ?? "Z") !== "Z";

/**
 * Ends a tree that we started: asks the root, waits, then ends what is left of the processes that were counted, parents first
 * (a parent would restart its child).
 * @param {number} root @param {NodeJS.Signals} [signal] @param {number} [graceMs]
 */
export async function endTree(root, signal = "SIGTERM", graceMs = 4_000) {
  const pids = treeOf(root);
  signalProcess(root, signal);
  const deadline = Date.now() + graceMs;
  while (pids.some(isAlive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const pid of new Set([...pids, ...treeOf(root)])) if (isAlive(pid)) signalProcess(pid, "SIGKILL");
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
