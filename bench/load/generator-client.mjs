import { fork } from "node:child_process";
import { inRoot } from "../../scripts/lib/paths.mjs";

/** @typedef {import("./generator.mjs").Outcome} Outcome */
/** @typedef {import("./links.mjs").Machine} Machine */

/** Starts the generator's process; its orders run one after the other. */
export function startGenerator() {
  const child = fork(inRoot("bench/load/generator.mjs"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  /** @type {Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  let next = 0;
  child.on("message", (/** @type {{ id: number, result?: unknown, error?: string }} */ { id, result, error }) => {
    const order = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) order?.resolve(result);
    else order?.reject(new Error(error));
  });
  child.on("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the load generator ended (${code})`));
    waiting.clear();
  });
  /** @param {string} op @param {object} order @returns {Promise<never>} */
  const ask = (op, order) =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve: /** @type {(value: unknown) => void} */ (resolve), reject });
      child.send({ id, op, order });
    });
  return {
    /** @param {{ target: { host: string, port: number }, machines: readonly Machine[] }} order @returns {Promise<void>} */
    fleet: (order) => ask("fleet", order),
    /** @param {{ seconds: number, concurrency: number, once?: boolean }} order @returns {Promise<Outcome>} */
    beats: (order) => ask("beats", order),
    /** @param {{ kind: "stream" | "socket", concurrency: number }} order @returns {Promise<Outcome>} */
    open: (order) => ask("open", order),
    /** @param {{ seconds: number, concurrency: number }} order @returns {Promise<Outcome & { pongs: import("../lib/stats.mjs").Summary }>} */
    socketBeats: (order) => ask("socketBeats", order),
    /** @param {{ count: number, concurrency: number }} order @returns {Promise<Outcome>} */
    commands: (order) => ask("commands", order),
    /** @returns {Promise<{ lost: number }>} */
    close: () => ask("close", {}),
    stop: () => void child.kill("SIGKILL"),
  };
}
