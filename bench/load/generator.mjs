/**
 * The load generator: a process of its own that plays the machines. It is told what to do over IPC, one order at a time, and
 * answers with what it measured, its own CPU included.
 */
import { summarize } from "../lib/stats.mjs";
import { HttpConnection, requestText } from "./http-connection.mjs";
import { openSocket, openStream } from "./links.mjs";

/** @typedef {import("./links.mjs").Machine} Machine */
/** @typedef {import("./links.mjs").Link} Link */
/** @typedef {{ done: number, errors: number, firstError: string | null, seconds: number, latency: import("../lib/stats.mjs").Summary, generatorCpu: number }} Outcome */

const COMMAND_TIMEOUT_MS = 10_000;
const PING_EVERY_SECONDS = 30;

/** @type {{ host: string, port: number }} */
let target = { host: "127.0.0.1", port: 0 };
/** @type {Machine[]} */
let machines = [];
/** @type {(Link | undefined)[]} */
let links = [];
let lost = 0;
/** What waits for a machine's next command or beat answer, by machine. @type {Map<number, () => void>} */
const onCommand = new Map();
/** @type {Map<number, () => void>} */
const onBeatOk = new Map();
/** @type {Map<number, () => void>} */
const onPong = new Map();
let serial = 0;

const host = () => `${target.host}:${target.port}`;

/** A heartbeat of a healthy machine with two bots and one watched process; its numbers move. @param {Machine} machine */
function beatBody(machine) {
  serial++;
  const bots = ["a", "b"].map((name) => ({ bot_id: `${machine.instanceId}-${name}`, status: "running", activity_state: "idle", messages_received: 12, messages_sent: 9, errors: 0, uptime_seconds: 3_600 }));
  return {
    instance_id: machine.instanceId,
    hostname: "den.local",
    os: "linux",
    arch: "x64",
    cli_version: "0.1.0",
    mem_free_mb: 900 + (serial % 100),
    mem_total_mb: 4_096,
    load1: (serial % 40) / 10,
    cpu_count: 2,
    uptime_seconds: 3_600 + serial,
    gateway_status: "running",
    gateway_pid: 4_711,
    bots,
    watched: [{ name: "gateway", status: "running", pid: 4_711, restarts: 0, started_at: "2026-01-01T00:00:00.000Z" }],
  };
}

/** Runs `lanes` workers until `next` answers null, and sums up. @param {number} lanes @param {(lane: number) => Promise<{ ms: number, error?: string } | null>} next @returns {Promise<Outcome>} */
async function drive(lanes, next) {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  /** @type {number[]} */
  const latencies = [];
  let errors = 0;
  /** @type {string | null} */
  let firstError = null;
  const lane = async (/** @type {number} */ index) => {
    for (let step = await next(index); step !== null; step = await next(index)) {
      if (step.error === undefined) latencies.push(step.ms);
      else {
        errors++;
        firstError ??= step.error;
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = process.cpuUsage(cpu);
  return { done: latencies.length, errors, firstError, seconds, latency: summarize(latencies), generatorCpu: (used.user + used.system) / 1e6 / seconds };
}

/** Beats over HTTP in a closed loop: each connection sends the next machine's beat when it has its answer. @param {{ seconds: number, concurrency: number, once?: boolean }} order */
async function beats({ seconds, concurrency, once = false }) {
  const connections = Array.from({ length: concurrency }, () => new HttpConnection(target));
  const deadline = performance.now() + seconds * 1_000;
  let at = 0;
  try {
    return await drive(concurrency, async (lane) => {
      const machine = machines[once ? at : at % machines.length];
      at++;
      if (machine === undefined || performance.now() >= deadline) return null;
      const text = requestText({ method: "POST", path: "/api/v1/dashboard/heartbeat", host: host(), token: machine.token, body: JSON.stringify(beatBody(machine)) });
      const startedAt = performance.now();
      const answer = await /** @type {HttpConnection} */ (connections[lane]).send(text);
      const ms = performance.now() - startedAt;
      return answer.status === 200 ? { ms } : { ms, error: `${answer.status} ${answer.body.slice(0, 200)}` };
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** @param {{ kind: "stream" | "socket", concurrency: number }} order */
async function open({ kind, concurrency }) {
  lost = 0;
  let at = 0;
  const opener = kind === "stream" ? openStream : openSocket;
  return drive(concurrency, async () => {
    const index = at++;
    const machine = machines[index];
    if (machine === undefined) return null;
    const startedAt = performance.now();
    const hooks = {
      onCommand: () => onCommand.get(index)?.(),
      onBeatOk: () => onBeatOk.get(index)?.(),
      onPong: () => onPong.get(index)?.(),
      onLost: () => void lost++,
    };
    try {
      links[index] = await opener(target, machine, hooks);
      return { ms: performance.now() - startedAt };
    } catch (error) {
      return { ms: 0, error: error instanceof Error ? error.message : String(error) };
    }
  });
}

/** Beats over the machines' sockets, `concurrency` in flight, and a ping from every machine each half minute beside them. @param {{ seconds: number, concurrency: number }} order */
async function socketBeats({ seconds, concurrency }) {
  const deadline = performance.now() + seconds * 1_000;
  /** @type {number[]} */
  const pongs = [];
  let pinged = 0;
  const pinging = setInterval(() => {
    const index = pinged++ % machines.length;
    const startedAt = performance.now();
    onPong.set(index, () => (onPong.delete(index), pongs.push(performance.now() - startedAt)));
    links[index]?.send?.("ping");
  }, (PING_EVERY_SECONDS * 1_000) / machines.length);
  let at = 0;
  try {
    // Few enough that no machine is asked twice at once.
    const outcome = await drive(Math.max(1, Math.min(concurrency, Math.floor(machines.length / 4))), async () => {
      if (performance.now() >= deadline) return null;
      const index = at++ % machines.length;
      const { instance_id: _, ...fields } = beatBody(/** @type {Machine} */ (machines[index]));
      const startedAt = performance.now();
      const answered = settle(onBeatOk, index);
      links[index]?.send?.(JSON.stringify({ t: "beat", ...fields }));
      const ms = await answered;
      return ms === null ? { ms: 0, error: "no answer to a beat in time" } : { ms: performance.now() - startedAt };
    });
    return { ...outcome, pongs: summarize(pongs) };
  } finally {
    clearInterval(pinging);
  }
}

/** Milliseconds until `index` is called in `waiting`; null when the time is up. @param {Map<number, () => void>} waiting @param {number} index @returns {Promise<number | null>} */
function settle(waiting, index) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const finish = (/** @type {number | null} */ ms) => {
      clearTimeout(timer);
      waiting.delete(index);
      resolve(ms);
    };
    const timer = setTimeout(() => finish(null), COMMAND_TIMEOUT_MS);
    waiting.set(index, () => finish(performance.now() - startedAt));
  });
}

/** Commands of the machines' owners, from the first byte of the POST to the event at the machine; then the machine's result. @param {{ count: number, concurrency: number }} order */
async function commands({ count, concurrency }) {
  const connections = Array.from({ length: concurrency }, () => new HttpConnection(target));
  // A stride without a common factor with the fleet's size visits the machines in no order, and none twice at once.
  const stride = 7_919;
  let at = 0;
  try {
    return await drive(concurrency, async (lane) => {
      const turn = at++;
      if (turn >= count) return null;
      const index = (turn * stride) % machines.length;
      const machine = /** @type {Machine} */ (machines[index]);
      const connection = /** @type {HttpConnection} */ (connections[lane]);
      const arrival = settle(onCommand, index);
      const body = JSON.stringify({ instance_id: machine.instanceId, command_type: "bot_refresh", payload: { reason: "bench" } });
      const answer = await connection.send(requestText({ method: "POST", path: "/api/v1/dashboard/commands", host: host(), token: machine.userToken, body }));
      if (answer.status !== 200) return { ms: 0, error: `command: ${answer.status} ${answer.body.slice(0, 200)}` };
      const ms = await arrival;
      const { id } = JSON.parse(answer.body);
      const done = await connection.send(requestText({ method: "POST", path: `/api/v1/dashboard/commands/${id}/result`, host: host(), token: machine.token, body: '{"status":"success","result":"done"}' }));
      if (done.status !== 200) return { ms: 0, error: `result: ${done.status} ${done.body.slice(0, 200)}` };
      return ms === null ? { ms: 0, error: "the command did not arrive in time" } : { ms };
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** @type {Record<string, (order: never) => unknown>} */
const ORDERS = {
  fleet: (/** @type {{ target: typeof target, machines: Machine[] }} */ order) => {
    ({ target, machines } = order);
    links = [];
  },
  beats,
  open,
  socketBeats,
  commands,
  close: () => {
    const before = lost;
    for (const link of links) link?.close();
    links = [];
    return { lost: before };
  },
};

process.on("message", async (/** @type {{ id: number, op: string, order: never }} */ { id, op, order }) => {
  try {
    process.send?.({ id, result: (await ORDERS[op]?.(order)) ?? null });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
// Whoever started us is gone.
process.on("disconnect", () => process.exit(0));
