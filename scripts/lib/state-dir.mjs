import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ROOT } from "./paths.mjs";
import { describeProcess, endProcess } from "./processes.mjs";

/** @typedef {{ pid: number, started: string, command: string }} Holder */

/** Where a local server keeps everything: `SETT_STATE_DIR`, or `.sett/` in the project. */
export function stateDirOf(env = process.env) {
  const wanted = env["SETT_STATE_DIR"];
  if (!wanted) return join(ROOT, ".sett");
  return isAbsolute(wanted) ? wanted : resolve(ROOT, wanted);
}

/** Writes a whole file that only its owner can read; readers see the old or the new one. @param {string} path @param {string} text */
export function writePrivateFile(path, text) {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}

/** @param {string} path @returns {unknown} null when it is missing or broken */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {Holder | null} */
function asHolder(value) {
  const holder = /** @type {Partial<Holder> | null} */ (value);
  return holder && typeof holder.pid === "number" && typeof holder.started === "string" && typeof holder.command === "string" ? /** @type {Holder} */ (holder) : null;
}

/** Whether that very process (not a later one with its pid) still runs. @param {Holder | null} holder */
function stillRuns(holder) {
  const now = holder && describeProcess(holder.pid);
  return Boolean(now && holder && now.started === holder.started && now.command === holder.command);
}

/**
 * Takes the state folder for this process. A lock whose owner is gone is broken.
 * @param {string} stateDir
 * @returns {() => void} releases it
 * @throws when another live server holds it
 */
export function lockStateDir(stateDir) {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = join(stateDir, "lock.json");
  const draft = join(stateDir, `lock.${process.pid}.tmp`);
  writeFileSync(draft, JSON.stringify({ pid: process.pid, ...(describeProcess(process.pid) ?? { command: "", started: "" }) }), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        linkSync(draft, lock); // fails when it exists, so exactly one process gets it
        return () => rmSync(lock, { force: true });
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      }
      const holder = asHolder(readJson(lock));
      if (stillRuns(holder)) {
        throw new Error(`Another Sett server (pid ${holder?.pid}) uses ${stateDir}. Stop it (kill ${holder?.pid}), or set SETT_STATE_DIR to another folder.`);
      }
      breakLock(lock);
    }
    throw new Error(`Could not lock ${stateDir}; remove ${lock} if no server runs.`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves a stale lock away; of several breakers one wins and the others find it gone. @param {string} lock */
function breakLock(lock) {
  const grave = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, grave);
    // Between our look and our move somebody may have broken the same lock and taken it: then it goes back.
    if (stillRuns(asHolder(readJson(grave)))) linkSync(grave, lock);
    rmSync(grave, { force: true });
  } catch {
    // somebody else moved it
  }
}

/** Remembers the runtime's process, so that the next start can end it if this one dies without a chance to. @param {string} stateDir @param {number} pid */
export function rememberRuntime(stateDir, pid) {
  const facts = describeProcess(pid);
  if (facts) writePrivateFile(join(stateDir, "runtime.json"), JSON.stringify({ pid, ...facts }));
}

/** @param {string} stateDir */
export function forgetRuntime(stateDir) {
  rmSync(join(stateDir, "runtime.json"), { force: true });
}

/**
 * Ends the runtime that a killed server left behind: only the very process that was written down.
 * @param {string} stateDir
 * @returns {Promise<number | null>} its pid when there was one
 */
export async function endLeftoverRuntime(stateDir) {
  const holder = asHolder(readJson(join(stateDir, "runtime.json")));
  if (!holder || !holder.command.includes("workerd") || !stillRuns(holder)) {
    forgetRuntime(stateDir);
    return null;
  }
  if (!(await endProcess(holder.pid))) throw new Error(`The runtime of an earlier server (pid ${holder.pid}) does not end; kill it and try again.`);
  forgetRuntime(stateDir);
  return holder.pid;
}
