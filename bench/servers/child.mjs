import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { endTree } from "../lib/process-tree.mjs";

/**
 * A server under measurement.
 * @typedef {object} BenchServer
 * @property {{ host: string, port: number }} target
 * @property {number[]} roots processes whose trees are the server
 * @property {readonly Offer[]} offers what it can do
 * @property {(machines: number) => Promise<import("../load/links.mjs").Machine[]>} createFleet
 * @property {() => Promise<Spending>} [spending] what the objects wrote so far, where it can be asked
 * @property {() => Promise<void>} stop
 */
/** @typedef {"streams" | "sockets" | "commands"} Offer */
/** @typedef {{ rows: number, alarms: number, feedCalls: number }} Spending */

const KEPT_OUTPUT = 4_000;

/**
 * Starts a server's process and waits until `isReady` finds what it needs in a line of its output, or until `probe` resolves.
 * @template T
 * @param {{ command?: string, args: readonly string[], env?: Record<string, string>, cwd?: string, uid?: number, gid?: number, timeoutMs?: number, isReady?: (line: string) => T | null, probe?: () => Promise<T> }} options
 * @returns {Promise<{ pid: number, ready: T, stop: () => Promise<void> }>}
 */
export async function startChild({ command = process.execPath, args, env = {}, cwd = ROOT, uid, gid, timeoutMs = 90_000, isReady, probe }) {
  const child = spawn(command, [...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  let output = "";
  const guard = child.pid === undefined ? null : guardServer(child.pid);
  const stop = async () => {
    if (child.pid !== undefined) await endTree(child.pid);
    guard?.kill("SIGKILL");
  };
  try {
    const ready = await /** @type {Promise<T>} */ (
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no sign of life in ${timeoutMs / 1_000} s`)), timeoutMs);
        const settle = (/** @type {T} */ found) => (clearTimeout(timer), resolve(found));
        let partial = "";
        const take = (/** @type {Buffer} */ chunk) => {
          const text = chunk.toString("utf8");
          output = (output + text).slice(-KEPT_OUTPUT);
          const lines = (partial + text).split("\n");
          partial = lines.pop() ?? "";
          for (const line of lines) {
            const found = isReady?.(line) ?? null;
            if (found !== null) settle(found);
          }
        };
        probe?.().then(settle, reject);
        child.stdout.on("data", take);
        child.stderr.on("data", take);
        child.on("error", reject);
        child.on("exit", (code) => (clearTimeout(timer), reject(new Error(`it ended with ${code}`))));
      })
    );
    return { pid: child.pid ?? 0, ready, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output.trim()}`, { cause: error });
  }
}

/** A shell that ends the server when our end of a pipe closes: so it goes even when we are killed. @param {number} pid */
function guardServer(pid) {
  const script = `trap '' INT TERM HUP; read -r _; kill -INT ${pid} 2>/dev/null; sleep 4; kill -KILL ${pid} 2>/dev/null`;
  const guard = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"] });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  return guard;
}

/** A port on loopback that nobody holds at this moment. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** Waits until `url` answers 200. @param {string} url @param {number} [timeoutMs] */
export async function waitForOk(url, timeoutMs = 60_000) {
  const deadline = Date.now() + timeoutMs;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      await response.arrayBuffer();
      if (response.ok) return;
      last = String(response.status);
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer well: ${last}`);
}
