// @ts-check
/** Orgo's API, as much as renting machines needs. Whatever it does not know it refuses. */
import { run } from "./machine.mjs";
import { addComputer, addWorkspace, end, living, lookAt, move } from "./state.mjs";
import { json, OrgoFault, required } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Computer} Computer */
/** @typedef {import("./state.mjs").Workspace} Workspace */
/** @typedef {import("./faults.mjs").CallKind} CallKind */

/**
 * @typedef {object} Call
 * @property {State} state
 * @property {string} id of the path; empty where it names none
 * @property {Record<string, unknown>} body
 * @property {boolean} old whether it came by the old alias
 * @property {AbortSignal} signal
 */
/** @typedef {{ kind: CallKind, method: string, path: RegExp, params: readonly string[], handle: (call: Call) => Response | Promise<Response> }} Route */

const RAM = new Set([4, 8, 16, 32, 64]);
const CPU = new Set([1, 2, 4, 8, 16]);
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** @type {readonly Route[]} */
export const ROUTES = [
  { kind: "list_workspaces", method: "GET", path: /^\/(?:workspaces|projects)$/, params: [], handle: ({ state, old }) => listWorkspaces(state, old) },
  { kind: "make_workspace", method: "POST", path: /^\/(?:workspaces|projects)$/, params: ["name"], handle: ({ state, body }) => makeWorkspace(state, body) },
  { kind: "list", method: "GET", path: /^\/(?:workspaces|projects)\/([^/]+)$/, params: [], handle: ({ state, id }) => showWorkspace(state, id) },
  { kind: "create", method: "POST", path: /^\/computers$/, params: ["workspace_id", "name", "os", "ram", "cpu", "disk_size_gb", "resolution", "auto_stop_minutes", "template_ref"], handle: ({ state, body }) => create(state, body) },
  { kind: "get", method: "GET", path: /^\/computers\/([^/]+)$/, params: [], handle: ({ state, id }) => get(state, id) },
  { kind: "destroy", method: "DELETE", path: /^\/computers\/([^/]+)$/, params: [], handle: ({ state, id }) => destroy(state, id) },
  { kind: "start", method: "POST", path: /^\/computers\/([^/]+)\/start$/, params: [], handle: ({ state, id }) => start(state, id) },
  { kind: "stop", method: "POST", path: /^\/computers\/([^/]+)\/stop$/, params: [], handle: ({ state, id }) => stop(state, id) },
  { kind: "restart", method: "POST", path: /^\/computers\/([^/]+)\/restart$/, params: [], handle: ({ state, id }) => restart(state, id) },
  { kind: "bash", method: "POST", path: /^\/computers\/([^/]+)\/bash$/, params: ["command", "timeout"], handle: ({ state, id, body, signal }) => bash(state, id, body, signal) },
];

/** @param {State} state @param {boolean} old */
function listWorkspaces(state, old) {
  const shown = [...state.workspaces.values()].map((workspace) => {
    const plain = viewWorkspace(workspace);
    // As the documentation of different years has it.
    if (state.ways.shape === "desktops") return { ...plain, desktops: living(state).filter(({ workspaceId }) => workspaceId === workspace.id).map((computer) => viewBriefly(computer)) };
    return { id: plain.id, name: plain.name, created_at: plain.created_at, computer_count: living(state).filter(({ workspaceId }) => workspaceId === workspace.id).length };
  });
  return json(old || state.ways.shape === "projects" ? { projects: shown } : { workspaces: shown });
}

/** @param {State} state @param {Record<string, unknown>} body */
function makeWorkspace(state, body) {
  const name = required(body, "name");
  if (!NAME.test(name)) throw new OrgoFault(400, "name must contain only letters, numbers, hyphens, and underscores");
  if (!state.ways.twins && [...state.workspaces.values()].some((workspace) => workspace.name === name)) throw new OrgoFault(400, "A workspace with this name already exists");
  return json({ ...viewWorkspace(addWorkspace(state, name)), computer_count: 0 });
}

/** @param {State} state @param {string} id */
function showWorkspace(state, id) {
  const workspace = workspaceOf(state, id);
  const shown = living(state)
    .filter(({ workspaceId }) => workspaceId === id)
    .flatMap((computer) => {
      const status = lookAt(state, computer);
      if (status === null || computer.hiddenFromLists-- > 0) return [];
      const view = { ...viewBriefly(computer), status };
      return computer.twice-- > 0 ? [view, view] : [view];
    });
  return json({ ...viewWorkspace(workspace), [state.ways.shape === "computers" ? "computers" : "desktops"]: shown });
}

/** @param {State} state @param {Record<string, unknown>} body */
function create(state, body) {
  const workspace = workspaceOf(state, required(body, "workspace_id"));
  const name = required(body, "name");
  const { ram = 4, cpu = 1, disk_size_gb: disk = 8, auto_stop_minutes: autoStopMinutes = null, os = "linux" } = body;
  if (typeof ram !== "number" || !RAM.has(ram)) throw new OrgoFault(400, "ram must be one of 4, 8, 16, 32, 64");
  if (typeof cpu !== "number" || !CPU.has(cpu)) throw new OrgoFault(400, "cpu must be one of 1, 2, 4, 8, 16");
  if (typeof disk !== "number" || disk < 8) throw new OrgoFault(400, "disk_size_gb must be 8 or more");
  if (os !== "linux") throw new OrgoFault(400, "os must be linux");
  if (autoStopMinutes !== null && (typeof autoStopMinutes !== "number" || autoStopMinutes < 0)) throw new OrgoFault(400, "auto_stop_minutes must be 0 or more");
  if (!state.ways.twins && living(state).some((computer) => computer.workspaceId === workspace.id && computer.name === name)) {
    // 500 is what the database says when nothing stood before it.
    throw new OrgoFault(state.ways.takenStatus, state.ways.takenStatus === 500 ? 'duplicate key value violates unique constraint "desktops_project_name_unique"' : `A computer named "${name}" already exists in this workspace`);
  }
  const computer = addComputer(state, { name, workspaceId: workspace.id, ram, cpu, disk, autoStopMinutes: autoStopMinutes ?? 30, status: "stopped", hiddenFromLists: state.ways.lag.lists, hiddenFromGets: state.ways.lag.gets });
  move(state, computer, "starting", "running", state.ways.boot);
  return json({ ...view(state, computer), status: computer.passing?.status ?? computer.status });
}

/** @param {State} state @param {string} id */
function get(state, id) {
  const { computer, status } = computerOf(state, id);
  return json({ ...view(state, computer), status });
}

/** @param {State} state @param {string} id */
function destroy(state, id) {
  const { computer } = computerOf(state, id);
  const { deleting } = state.ways;
  if (deleting.ms === 0 && deleting.looks === 0) end(state, computer, "destroyed");
  else if (computer.status !== "deleting") move(state, computer, "deleting", "deleting", deleting);
  return json({ success: true });
}

/** @param {State} state @param {string} id */
function start(state, id) {
  const { computer, status } = computerOf(state, id);
  if (status === "deleting") throw new OrgoFault(409, "Computer is being deleted");
  if (computer.status !== "running") move(state, computer, "starting", "running", state.ways.boot);
  return json({ success: true, status: computer.passing?.status ?? "running" });
}

/** @param {State} state @param {string} id */
function stop(state, id) {
  const { computer, status } = computerOf(state, id);
  if (status === "deleting") throw new OrgoFault(409, "Computer is being deleted");
  if (computer.status !== "stopped") move(state, computer, "stopping", "stopped", { ms: 0, looks: 0 });
  return json({ success: true, status: "stopping" });
}

/** @param {State} state @param {string} id */
function restart(state, id) {
  const { computer, status } = computerOf(state, id);
  if (computer.legacy) return new Response(null, { status: 405 });
  if (status === "deleting") throw new OrgoFault(409, "Computer is being deleted");
  computer.status = "stopped";
  move(state, computer, "restarting", "running", state.ways.boot);
  return json({ success: true, status: "restarting" });
}

/** @param {State} state @param {string} id @param {Record<string, unknown>} body @param {AbortSignal} signal */
async function bash(state, id, body, signal) {
  const { computer, status } = computerOf(state, id);
  const command = required(body, "command");
  const { timeout = 200 } = body;
  if (typeof timeout !== "number" || !Number.isInteger(timeout) || timeout < 1) throw new OrgoFault(400, "timeout must be a number of seconds");
  if (status !== "running") throw new OrgoFault(400, "Desktop instance not available");
  const result = await run(computer.machine, state.installing, command, AbortSignal.any([signal, AbortSignal.timeout(timeout * 1_000)]));
  return json({ success: true, action: "bash", command, ...result });
}

/** @param {State} state @param {string} id @returns {Workspace} */
function workspaceOf(state, id) {
  const workspace = state.workspaces.get(id);
  if (!workspace) throw new OrgoFault(404, "Workspace not found");
  return workspace;
}

/** @param {State} state @param {string} id @returns {{ computer: Computer, status: import("./state.mjs").Status }} */
function computerOf(state, id) {
  const computer = state.computers.get(id);
  const status = computer ? lookAt(state, computer) : null;
  if (!computer || status === null || computer.hiddenFromGets-- > 0) throw new OrgoFault(404, "Computer not found");
  return { computer, status };
}

/** @param {Workspace} workspace */
const viewWorkspace = ({ id, name, userId, createdAt }) => ({ id, name, user_id: userId, status: "active", icon_url: null, created_at: new Date(createdAt).toISOString(), updated_at: new Date(createdAt).toISOString() });

/** @param {Computer} computer */
const viewBriefly = ({ id, name, ram, cpu, status, createdAt }) => ({ id, name, os: "linux", ram, cpu, status, created_at: new Date(createdAt).toISOString() });

/** @param {State} state @param {Computer} computer */
function view(state, computer) {
  const instanceId = computer.id.slice(0, 8);
  return {
    ...viewBriefly(computer),
    workspace_id: computer.workspaceId,
    project_name: state.workspaces.get(computer.workspaceId)?.name ?? null,
    disk_size_gb: computer.disk,
    auto_stop_minutes: computer.autoStopMinutes,
    url: `https://orgo.ai/workspaces/${computer.id}`,
    instance_id: instanceId,
    fly_instance_id: instanceId,
    hostname: "www.orgo.ai",
    connection_url: `https://www.orgo.ai/desktops/${instanceId}`,
    vnc_password: computer.vncPassword,
  };
}
