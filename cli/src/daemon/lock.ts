import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { sleep } from "../core/backoff";
import { CliError, EXIT } from "../core/errors";
import { ensurePrivateDir, isErrno, readJsonFile, removeFile } from "../core/files";
import { numberField, stringField } from "../core/json";
import { identify, isAlive, type ProcessIdentity } from "../watch/process-info";

/** Configuring a runtime takes seconds. */
const LOCK_WAIT_MS = 90_000;
const LOCK_POLL_MS = 50;

/** The daemon that holds the lock, if it lives. */
export function findLockHolder(path: string): ProcessIdentity | undefined {
  const raw = readJsonFile(path);
  const pid = raw === undefined ? undefined : numberField(raw, "pid");
  if (raw === undefined || pid === undefined) return undefined;
  const holder: ProcessIdentity = { pid, start: stringField(raw, "start") ?? null };
  return isAlive(holder) ? holder : undefined;
}

/**
 * Takes the lock of this home folder. Throws CliError (exit 1) naming the other pid when another daemon holds it.
 */
export function acquireLock(path: string): () => void {
  const taken = tryLock(path);
  if (typeof taken === "function") return taken;
  throw new CliError(EXIT.general, `sett is already running here as pid ${taken.pid}`, "See it with: sett status. Stop it with: sett down", "already_running");
}

/** Does `work` while holding a lock that short errands share; waits for whoever has it. Throws CliError when that takes too long. */
export async function withLock<T>(path: string, work: () => Promise<T>, waitMs: number = LOCK_WAIT_MS): Promise<T> {
  for (const until = Date.now() + waitMs; ; ) {
    const taken = tryLock(path);
    if (typeof taken === "function") {
      try {
        return await work();
      } finally {
        taken();
      }
    }
    if (Date.now() > until) throw new CliError(EXIT.general, `another sett (pid ${taken.pid}) is busy with the bots of this machine`, "Try again in a moment.", "busy");
    await sleep(LOCK_POLL_MS);
  }
}

/**
 * How to give the lock back, or who has it. The lock appears with its content in one step (hard link), and a dead
 * holder's lock is moved away by one taker only. Throws CliError when the file stands in the way for good.
 */
function tryLock(path: string): (() => void) | ProcessIdentity {
  ensurePrivateDir(dirname(path));
  const self = identify(process.pid) ?? { pid: process.pid, start: null };
  const content = `${JSON.stringify({ ...self, at: new Date().toISOString(), nonce: Math.random() })}\n`;
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, content, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        linkSync(mine, path);
        return () => releaseLock(path, content);
      } catch (error) {
        if (!isErrno(error, "EEXIST")) throw error;
      }
      const holder = findLockHolder(path);
      if (holder !== undefined) return holder;
      setAside(path, `${mine}.stale`);
    }
  } finally {
    removeFile(mine);
  }
  throw new CliError(EXIT.general, `cannot take the lock ${path}`, "Try again; if it stays, delete that file.", "lock");
}

function setAside(path: string, aside: string): void {
  try {
    renameSync(path, aside);
    unlinkSync(aside);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

function releaseLock(path: string, content: string): void {
  try {
    if (readFileSync(path, "utf8") === content) unlinkSync(path);
  } catch {
    // Gone already.
  }
}
