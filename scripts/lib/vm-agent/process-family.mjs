/**
 * The processes of a local machine, found by what they inherit: a mark in their environment, their parent, their session. So a daemon that
 * left its session is found by its mark, and one that dropped its environment by its parent or session, or because it was seen before.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The variable that every process of a machine inherits; its value is the machine's id. */
export const MARK = "SETT_VM";

/**
 * `session` is the process group where the platform does not tell sessions. `start` and `pid` together are never used twice.
 * @typedef {{ pid: number, ppid: number, session: number, start: string, environment: () => string }} Row
 */

const POLL_MS = 25;
const KILL_LIMIT_MS = 5_000;

/** Every process that can be seen; zombies are none. @returns {Row[]} */
export function listProcesses() {
  return process.platform === "linux" ? fromProc() : fromPs();
}

function fromProc() {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // The name in parentheses may hold spaces; the fields after it do not.
      const [state, ppid, , session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") return [];
      return [{ pid: Number(name), ppid: Number(ppid), session: Number(session), start: rest[15] ?? "", environment: () => readOrEmpty(`/proc/${name}/environ`) }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

/** @param {string} path */
function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function fromPs() {
  const table = execFileSync("ps", ["-axEww", "-o", "pid=,ppid=,pgid=,stat=,lstart=,command="], { encoding: "utf8", timeout: 5_000, maxBuffer: 64 * 1024 * 1024 });
  return table.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/.exec(line);
    if (!match || match[4]?.startsWith("Z")) return [];
    return [{ pid: Number(match[1]), ppid: Number(match[2]), session: Number(match[3]), start: match[5] ?? "", environment: () => match[6] ?? "" }];
  });
}

/** @param {Row} row */
export const identityOf = (row) => `${row.pid}@${row.start}`;

/**
 * The processes of one machine.
 * @typedef {object} Family
 * @property {string} id of the machine
 * @property {Set<string>} known identities seen before; grows
 * @property {ReadonlySet<number>} foreignSessions never ours, whoever is in them: the agent's
 * @property {number} [spare] a pid that is not ended: whoever ends the others
 */

/** @param {string} id @param {{ foreignSessions?: ReadonlySet<number>, spare?: number }} [options] @returns {Family} */
export const newFamily = (id, { foreignSessions = new Set([sessionOf(process.pid)]), spare } = {}) => ({ id, known: new Set(), foreignSessions, ...(spare === undefined ? {} : { spare }) });

/** @param {number} pid */
export const sessionOf = (pid) => listProcesses().find((row) => row.pid === pid)?.session ?? 0;

/**
 * Who belongs to a family now, the spared one included, and remembers them.
 * @param {Family} family @param {readonly Row[]} [rows] @returns {Row[]}
 */
export function findFamily(family, rows = listProcesses()) {
  const mark = `${MARK}=${family.id}`;
  /** @type {Map<number, Row>} */
  const members = new Map();
  const sessions = new Set();
  const add = (/** @type {Row} */ row) => {
    members.set(row.pid, row);
    if (!family.foreignSessions.has(row.session)) sessions.add(row.session);
    family.known.add(identityOf(row));
  };
  for (const row of rows) if (family.known.has(identityOf(row)) || row.pid === family.spare || row.environment().includes(mark)) add(row);
  for (let size = -1; size !== members.size; ) {
    size = members.size;
    for (const row of rows) if (!members.has(row.pid) && (members.has(row.ppid) || sessions.has(row.session))) add(row);
  }
  return [...members.values()];
}

/**
 * Ends a family: SIGTERM and up to `graceMs` for those who have things to finish, then SIGKILL until nobody is left.
 * @param {Family} family @param {number} [graceMs]
 * @returns {Promise<boolean>} whether nobody is left
 */
export async function endFamily(family, graceMs = 0) {
  const others = () => findFamily(family).filter(({ pid }) => pid !== family.spare);
  if (graceMs > 0) {
    const until = Date.now() + graceMs;
    for (const { pid } of others()) signal(pid, "SIGTERM");
    while (Date.now() < until && others().length > 0) await pause();
  }
  for (const until = Date.now() + KILL_LIMIT_MS; Date.now() < until; await pause()) {
    const left = others();
    // Somebody may have been born while the table was read: two empty looks.
    if (left.length === 0 && others().length === 0) return true;
    for (const { pid } of left) signal(pid, "SIGKILL");
  }
  return false;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** @param {number} pid @param {NodeJS.Signals} name */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}
