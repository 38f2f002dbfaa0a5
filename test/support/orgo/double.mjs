// @ts-check
/**
 * Orgo in memory: workspaces and computers with names, boots and ends, and what chaos may do to them. It needs Node for its timers only.
 * What the API says is told by its documentation; what it does not say is as unfriendly as it may be.
 */
import { createArmoury, suffer } from "./faults.mjs";
import { scriptOf } from "./machine.mjs";
import { ROUTES } from "./routes.mjs";
import { addComputer, addWorkspace, end, living, mostAtOnce, newState } from "./state.mjs";
import { OrgoFault, readBody, refusal } from "./wire.mjs";

/** @typedef {import("./state.mjs").Computer} Computer */
/** @typedef {import("./faults.mjs").CallKind} CallKind */

/** What was called, without what may be secret; `script` is which of ours ran. @typedef {{ call: CallKind, script: "probe" | "install" | "setup" | null, computerId: string | null, name: string | null, status: number | null, fault: string | null }} RecordedCall */

/** A computer from its beginning to its end, if it had one. @typedef {Pick<Computer, "id" | "name" | "workspaceId" | "cpu" | "ram" | "disk" | "autoStopMinutes" | "status" | "born" | "died" | "ending">} Life */

const BASE_PATH = "/api";

/** @param {{ apiKey?: string, clock?: () => number }} [options] `clock` in ms */
export function createOrgoDouble({ apiKey = "sk_live_double", clock = () => Date.now() } = {}) {
  let state = newState(clock);
  let armoury = createArmoury();
  /** @type {RecordedCall[]} */
  let calls = [];

  /** @param {string} idOrName @returns {Computer} */
  const must = (idOrName) => {
    const found = state.computers.get(idOrName) ?? living(state).find(({ name }) => name === idOrName) ?? [...state.computers.values()].findLast(({ name }) => name === idOrName);
    if (!found) throw new Error(`the double knows no computer ${idOrName}`);
    return found;
  };
  /** @param {Computer} computer @returns {Life} */
  const lifeOf = ({ id, name, workspaceId, cpu, ram, disk, autoStopMinutes, status, born, died, ending }) => ({ id, name, workspaceId, cpu, ram, disk, autoStopMinutes, status, born, died, ending });

  /** @param {Request} request @returns {Promise<Response>} */
  const fetch = async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname.startsWith(BASE_PATH) ? pathname.slice(BASE_PATH.length) : "/";
    const route = ROUTES.find((candidate) => candidate.method === request.method && candidate.path.test(path));
    const id = route?.path.exec(path)?.[1] ?? "";
    /** @type {Record<string, unknown>} */
    const body = request.method === "POST" ? await readBody(request.clone()).catch(() => ({})) : {};
    const script = route?.kind === "bash" ? scriptOf(body["command"]) : null;
    const named = typeof body["name"] === "string" ? body["name"] : (state.computers.get(id)?.name ?? null);
    /** @type {RecordedCall} */
    const call = { call: route?.kind ?? "unknown", script, computerId: state.computers.has(id) ? id : null, name: named, status: null, fault: null };
    calls.push(call);

    // A call that takes effect after a reset belongs to the account that was.
    const mine = state;
    const forward = async () => {
      try {
        if (request.headers.get("authorization") !== `Bearer ${apiKey}`) throw new OrgoFault(401, "Invalid API key. Check it for typos or generate a new one at https://www.orgo.ai/start.");
        if (!route) throw new OrgoFault(404, "Not found");
        const given = request.method === "POST" ? await readBody(request) : {};
        const stranger = Object.keys(given).find((name) => !route.params.includes(name));
        if (stranger !== undefined) throw new OrgoFault(400, `Unknown field ${stranger}`);
        const response = await route.handle({ state: mine, id, body: given, old: path.startsWith("/projects"), signal: request.signal });
        call.status = response.status;
        return response;
      } catch (error) {
        if (!(error instanceof OrgoFault)) throw error;
        call.status = error.status;
        return refusal(error.status, error.message);
      }
    };
    const fault = armoury.draw(script === null ? call.call : /** @type {CallKind} */ (`bash:${script}`), named);
    call.fault = fault?.kind ?? null;
    return fault === null ? forward() : suffer(fault, request.signal, forward);
  };

  return {
    apiKey,
    basePath: BASE_PATH,
    fetch,

    /** An empty account, without faults, with the ways of the beginning. */
    reset: () => void ([state, armoury, calls] = [newState(clock), createArmoury(), []]),
    /** Adds to what is armed. @param {import("./faults.mjs").Fault[]} faults */
    arm: (...faults) => armoury.arm(...faults),
    disarm: () => armoury.disarm(),
    /** Since the last reset or clear, oldest first. @returns {readonly RecordedCall[]} */
    calls: () => calls,
    clearCalls: () => void (calls = []),

    /** Everything that was ever made, oldest first. @returns {readonly Life[]} */
    lives: () => (living(state), [...state.computers.values()].map(lifeOf)),
    /** @returns {readonly Life[]} */
    alive: () => living(state).map(lifeOf),
    /** How many were there at once, at most. @param {string} [name] the source of a regular expression */
    mostAtOnce: (name = "") => (living(state), mostAtOnce(state, new RegExp(name))),
    workspaces: () => [...state.workspaces.values()],
    /** What runs there: the installation, and what the last set-up brought. @param {string} idOrName */
    machine(idOrName) {
      const { machine } = must(idOrName);
      return { install: machine.install, setup: machine.setup, setups: machine.setups, boots: machine.boots };
    },

    /** What is there, and those of it that run and were set up, with what the set-up brought: whoever plays their daemons asks. */
    scene: () => ({
      alive: living(state).map(lifeOf),
      daemons: living(state)
        .filter(({ status, passing, machine }) => status === "running" && passing === null && machine.setup !== null)
        .map(({ id, machine }) => ({ id, setup: machine.setup, setups: machine.setups, boots: machine.boots })),
    }),

    /** How it is from now on. @param {Partial<import("./state.mjs").State["ways"]>} ways */
    setWays: (ways) => void Object.assign(state.ways, ways),
    /** How installations go from now on. @param {Partial<import("./machine.mjs").Installing>} installing */
    setInstalling: (installing) => void Object.assign(state.installing, installing),

    /** 404 from now on, and its disk with it. @param {string} idOrName */
    lose: (idOrName) => end(state, must(idOrName), "lost"),
    /** Somebody stops it in the dashboard, or it breaks. @param {string} idOrName @param {import("./state.mjs").Status} status */
    setStatus: (idOrName, status) => void Object.assign(must(idOrName), { status, passing: null }),
    /** What was installed is no more. @param {string} idOrName */
    wipe: (idOrName) => void Object.assign(must(idOrName).machine, { install: null, setup: null, files: new Map() }),
    /** Lists and questions that deny it: counts, from now on. @param {string} idOrName @param {{ lists?: number, gets?: number }} times */
    hide: (idOrName, { lists = 0, gets = 0 }) => void Object.assign(must(idOrName), { hiddenFromLists: lists, hiddenFromGets: gets }),
    /** @param {string} idOrName @param {number} [lists] */
    showTwice: (idOrName, lists = 1) => void (must(idOrName).twice = lists),
    /** Its host knows no restart. @param {string} idOrName */
    setLegacy: (idOrName) => void (must(idOrName).legacy = true),
    /** A second computer of the same name, which the API would not make. @param {string} idOrName */
    addTwin(idOrName) {
      const { name, workspaceId } = must(idOrName);
      return lifeOf(addComputer(state, { name, workspaceId }));
    },
    /** Somebody else's, or ours from before; in a workspace by name, made when there is none. @param {string} name @param {string} [workspaceName] */
    addComputer(name, workspaceName = "sett") {
      const workspace = [...state.workspaces.values()].find((candidate) => candidate.name === workspaceName) ?? addWorkspace(state, workspaceName);
      return lifeOf(addComputer(state, { name, workspaceId: workspace.id }));
    },
    /** @param {string} name @param {{ userId?: string, createdAt?: number }} [more] */
    addWorkspace: (name, more) => addWorkspace(state, name, more),
    /** With all that is in it. @param {string} id */
    removeWorkspace(id) {
      for (const computer of living(state)) if (computer.workspaceId === id) end(state, computer, "lost");
      state.workspaces.delete(id);
    },
  };
}
