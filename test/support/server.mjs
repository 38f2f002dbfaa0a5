import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;

/** A port that nothing listens on now. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve_, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve_(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * A server of its own for a journey: what `npm start` runs, on its own port and state folder, from what is built already.
 * @typedef {{ origin: string, port: number, pid: number, output: () => string, runtimePid: () => number, stop: () => Promise<number | null>, kill: () => Promise<void> }} SmokeServer
 */

/** @returns {string} a state folder to share between starts; see {@link removeState} */
export const newState = () => mkdtempSync(join(tmpdir(), "sett-smoke-"));

/** @param {string} stateDir */
export const removeState = (stateDir) => rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });

/**
 * @param {{ stateDir: string, port?: number, env?: Record<string, string> }} options
 * @returns {Promise<SmokeServer>}
 */
export async function startServer({ stateDir, port, env = {} }) {
  const chosen = port ?? (await freePort());
  const child = spawn(process.execPath, [join(root, "scripts/start.mjs"), "--no-build"], {
    cwd: root,
    env: { ...process.env, PORT: String(chosen), HOST: "127.0.0.1", SETT_STATE_DIR: stateDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const exited = /** @type {Promise<number | null>} */ (new Promise((done) => child.once("exit", done)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  await new Promise((ready, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server was not ready in time\n${output}`)), READY_LIMIT_MS);
    child.stdout.on("data", (chunk) => {
      output += String(chunk);
      if (/^ready on http/m.test(output)) {
        clearTimeout(timer);
        ready(undefined);
      }
    });
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}\n${output}`));
    });
  });
  return {
    origin: `http://127.0.0.1:${chosen}`,
    port: chosen,
    pid: child.pid ?? 0,
    output: () => output,
    runtimePid: () => JSON.parse(readFileSync(join(stateDir, "runtime.json"), "utf8")).pid,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
