import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot } from "../../scripts/lib/paths.mjs";

const MEMORY_DISK = "/dev/shm";
const WANTED_FREE_BYTES = 2 * 1024 ** 3;

/** Where reports and plots go. */
export const OUT_DIR = inRoot(".cache/bench");

/** @param {string} folder */
function hasRoom(folder) {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= WANTED_FREE_BYTES;
  } catch {
    return false;
  }
}

/**
 * A fresh folder for one run: in memory when there is room, so that every server is measured and not the disk.
 * @returns {{ path: string, inMemory: boolean, remove: () => void }}
 */
export function createScratch() {
  const inMemory = process.platform === "linux" && hasRoom(MEMORY_DISK);
  const path = mkdtempSync(join(inMemory ? MEMORY_DISK : tmpdir(), "sett-bench-"));
  mkdirSync(OUT_DIR, { recursive: true });
  return { path, inMemory, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
