/** What a local machine is on disk: a folder with its home and `vm.json`. Whatever dies when, the folder says what was wanted. */
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * `wanted` is what its owner asked for last; a machine that should run is booted when the agent begins, as after a power cut.
 * @typedef {{ id: string, tag: string, cpu: number, ram_gb: number, disk_gb: number | null, created_at: number, wanted: "running" | "stopped" | "destroyed" }} VmRecord
 */

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param {string} folder of all machines @param {string} id */
export const vmFolder = (folder, id) => join(folder, id);

/** @param {string} folder @param {string} id */
export const homeOf = (folder, id) => join(folder, id, "home");

/**
 * Makes a machine's disk. Before this returns nothing of it can be lost, and nothing runs.
 * @param {string} folder @param {Pick<VmRecord, "tag" | "cpu" | "ram_gb" | "disk_gb">} spec @returns {VmRecord}
 */
export function createDisk(folder, spec) {
  const record = { ...spec, id: randomUUID(), created_at: Date.now(), wanted: /** @type {const} */ ("running") };
  mkdirSync(homeOf(folder, record.id), { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, record.id, "tmp"), { mode: 0o700 });
  writeRecord(folder, record);
  return record;
}

/** Readers see the old record or the new one. @param {string} folder @param {VmRecord} record */
export function writeRecord(folder, record) {
  const path = join(folder, record.id, "vm.json");
  const draft = `${path}.tmp`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(record)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** @param {string} folder @param {string} id */
export function removeDisk(folder, id) {
  rmSync(vmFolder(folder, id), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/**
 * Every machine there is, and the ids of folders that never became one: their makers died before anybody could know of them.
 * @param {string} folder @returns {{ records: VmRecord[], torn: string[] }}
 */
export function readDisks(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ids = readdirSync(folder).filter((name) => ID.test(name));
  const read = ids.map((id) => ({ id, record: readRecord(join(folder, id, "vm.json")) }));
  return { records: read.flatMap(({ id, record }) => (record?.id === id ? [record] : [])), torn: read.filter(({ id, record }) => record?.id !== id).map(({ id }) => id) };
}

/** @param {string} path @returns {VmRecord | null} */
function readRecord(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
