// @ts-check
/** What the double keeps. */

/** @typedef {"creating" | "starting" | "running" | "stopping" | "stopped" | "restarting" | "suspended" | "deleting" | "error"} Status */

/**
 * How long things take. `looks`: times that somebody asks for the computer (itself, a list or a command) before it is there; `ms`: at least so long.
 * @typedef {{ ms: number, looks: number }} Delay
 */

/** @typedef {{ id: string, name: string, userId: string, createdAt: number }} Workspace */

/**
 * @typedef {object} Computer
 * @property {string} id
 * @property {string} name
 * @property {string} workspaceId
 * @property {number} cpu
 * @property {number} ram GB
 * @property {number} disk GB
 * @property {number} autoStopMinutes
 * @property {Status} status what it comes to when its delay is over
 * @property {{ status: Status, until: number, looks: number } | null} passing what it shows until then
 * @property {number} createdAt ms
 * @property {string} vncPassword
 * @property {boolean} legacy knows no restart
 * @property {number} hiddenFromLists how many more lists leave it out
 * @property {number} hiddenFromGets how many more questions for it are answered 404
 * @property {number} twice how many more lists show it twice
 * @property {import("./machine.mjs").Machine} machine
 * @property {number} born place among all beginnings and ends
 * @property {number | null} died
 * @property {"destroyed" | "lost" | null} ending
 */

/**
 * @typedef {object} State
 * @property {() => number} now ms
 * @property {() => number} nextMoment counts beginnings and ends
 * @property {Map<string, Workspace>} workspaces
 * @property {Map<string, Computer>} computers all that ever were
 * @property {{ boot: Delay, deleting: Delay, lag: { lists: number, gets: number }, twins: boolean, takenStatus: 400 | 409 | 500, shape: "desktops" | "computers" | "projects" }} ways
 * @property {import("./machine.mjs").Installing} installing
 */

export const OWNER_ID = "4d96f9a0-7727-4b63-889a-32544c206d7c";

/** @param {() => number} now @returns {State} */
export function newState(now) {
  let moments = 0;
  return {
    now,
    nextMoment: () => ++moments,
    workspaces: new Map(),
    computers: new Map(),
    ways: { boot: { ms: 0, looks: 0 }, deleting: { ms: 0, looks: 0 }, lag: { lists: 0, gets: 0 }, twins: false, takenStatus: 409, shape: "desktops" },
    installing: { probes: 2, failures: [], stalls: false },
  };
}

/** @param {State} state @param {string} name @param {Partial<Workspace>} [more] @returns {Workspace} */
export function addWorkspace(state, name, more = {}) {
  const workspace = { id: crypto.randomUUID(), name, userId: OWNER_ID, createdAt: state.now(), ...more };
  state.workspaces.set(workspace.id, workspace);
  return workspace;
}

/** @param {State} state @param {Pick<Computer, "name" | "workspaceId"> & Partial<Computer>} given @returns {Computer} */
export function addComputer(state, given) {
  /** @type {Computer} */
  const computer = {
    id: crypto.randomUUID(),
    cpu: 1,
    ram: 4,
    disk: 8,
    autoStopMinutes: 0,
    status: "running",
    passing: null,
    createdAt: state.now(),
    vncPassword: crypto.randomUUID().slice(0, 16),
    legacy: false,
    hiddenFromLists: 0,
    hiddenFromGets: 0,
    twice: 0,
    machine: { install: null, setup: null, setups: 0, boots: 0, files: new Map() },
    born: state.nextMoment(),
    died: null,
    ending: null,
    ...given,
  };
  state.computers.set(computer.id, computer);
  return computer;
}

/** @param {State} state @param {Computer} computer @param {Status} passing what it shows meanwhile @param {Status} status what it comes to @param {Delay} delay */
export function move(state, computer, passing, status, { ms, looks }) {
  if (status === "running" && computer.status !== "running") computer.machine.boots += 1;
  computer.status = status;
  computer.passing = ms > 0 || looks > 0 ? { status: passing, until: state.now() + ms, looks } : null;
}

/** @param {State} state @param {Computer} computer @param {"destroyed" | "lost"} ending */
export function end(state, computer, ending) {
  if (computer.died !== null) return;
  computer.died = state.nextMoment();
  computer.ending = ending;
}

/** Ends the delay that is over. @param {State} state @param {Computer} computer */
function settle(state, computer) {
  if (computer.passing !== null && (computer.passing.looks > 0 || state.now() < computer.passing.until)) return;
  computer.passing = null;
  if (computer.status === "deleting") end(state, computer, "destroyed");
}

/** What it shows now, null when it is no more; each call is a look. @param {State} state @param {Computer} computer @returns {Status | null} */
export function lookAt(state, computer) {
  settle(state, computer);
  if (computer.died !== null) return null;
  const shown = computer.passing?.status ?? computer.status;
  if (computer.passing !== null) computer.passing.looks -= 1;
  return shown;
}

/** Those that are there, oldest first. @param {State} state @returns {Computer[]} */
export function living(state) {
  for (const computer of state.computers.values()) settle(state, computer);
  return [...state.computers.values()].filter(({ died }) => died === null);
}

/** How many of the named were there at once, at most. @param {State} state @param {RegExp} name */
export function mostAtOnce(state, name) {
  const changes = [...state.computers.values()].filter((computer) => name.test(computer.name)).flatMap(({ born, died }) => [{ at: born, by: 1 }, ...(died === null ? [] : [{ at: died, by: -1 }])]);
  let count = 0;
  let most = 0;
  for (const { by } of changes.toSorted((a, b) => a.at - b.at)) most = Math.max(most, (count += by));
  return most;
}
