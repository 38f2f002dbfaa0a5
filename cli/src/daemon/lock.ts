import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CliError, EXIT } from "../core/errors";
import { ensurePrivateDir, isErrno, readJsonFile, removeFile } from "../core/files";
import { numberField, stringField } from "../core/json";
import { identify, isAlive, type ProcessIdentity } from "../watch/process-info";

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
 * The lock appears with its content in one step (hard link), and a dead daemon's lock is moved away by one taker only.
 */
export function acquireLock(path: string): () => void {
  ensurePrivateDir(dirname(path));
  const self = identify(process.pid) ?? { pid: process.pid, start: null };
  const content = `${JSON.stringify({ ...self, at: new Date().toISOString() })}\n`;
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
      if (holder !== undefined) {
        throw new CliError(EXIT.general, `sett is already running here as pid ${holder.pid}`, "See it with: sett status. Stop it with: sett down", "already_running");
      }
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
