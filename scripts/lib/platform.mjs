/**
 * The platform on this machine: workerd with D1, Durable Objects, queues, R2, limiters and assets, set up from wrangler.toml.
 * Import it only under the toolchain's Node, after the install.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { inRoot } from "./paths.mjs";
import { childrenOf, describeProcess } from "./processes.mjs";

/** @typedef {{ onWorkerLog: (level: string, message: string) => void, onRuntimeRestart?: () => void }} PlatformHooks */

const CONFIG = inRoot("wrangler.toml");
const BUNDLE = inRoot("dist");
const MAX_LOG_BYTES = 20 * 1024 * 1024;

/** wrangler's own folder layout below `--persist-to`, so that its commands find the same data. @param {string} stateDir */
const persistRoot = (stateDir) => join(stateDir, "v3");

/** What the scripts read of wrangler.toml. */
export function readWranglerConfig() {
  const config = unstable_readConfig({ config: CONFIG }, { hideWarnings: true });
  return { crons: config.triggers.crons ?? [], migrationsDir: inRoot(config.d1_databases[0]?.migrations_dir ?? "migrations") };
}

/**
 * The worker's options as wrangler derives them, without its bundler's rules. wrangler types them loosely.
 * @returns {{ compatibilityDate: string, d1Databases: Record<string, string>, bindings: Record<string, string> }}
 */
function workerOptions() {
  const { modulesRules: _rules, ...options } = /** @type {any} */ (unstable_getMiniflareWorkerOptions(CONFIG, undefined, {}).workerOptions);
  return options;
}

/** The bundle as an explicit list: one script, and the WebAssembly modules that it imports. */
function bundledModules() {
  const script = join(BUNDLE, "worker.js");
  if (!existsSync(script)) throw new Error("There is no worker bundle in dist/; run without --no-build.");
  const wasm = readdirSync(BUNDLE).filter((name) => name.endsWith(".wasm"));
  return [{ type: /** @type {const} */ ("ESModule"), path: script }, ...wasm.map((name) => ({ type: /** @type {const} */ ("CompiledWasm"), path: join(BUNDLE, name) }))];
}

/** @param {string} stateDir */
const sharedOptions = (stateDir) => ({
  cf: false,
  logRequests: false,
  log: new Log(LogLevel.ERROR),
  telemetry: { enabled: false },
  defaultPersistRoot: persistRoot(stateDir),
  resourcePersistencePath: persistRoot(stateDir),
});

/**
 * Runs `work` with the database before anything is served, so that no request ever meets an older schema.
 * @template T
 * @param {string} stateDir
 * @param {(db: import("./migrations.mjs").D1Database) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withDatabase(stateDir, work) {
  const { d1Databases, compatibilityDate } = workerOptions();
  const platform = new Miniflare(
    convertV4MiniflareOptions({
      ...sharedOptions(stateDir),
      workers: [{ name: "prepare", compatibilityDate, d1Databases, modules: true, scriptPath: "prepare.mjs", script: "export default { fetch: () => new Response(null, { status: 503 }) }" }],
    }),
  );
  try {
    return await work(await platform.getD1Database("DB"));
  } finally {
    await platform.dispose();
  }
}

/**
 * Starts the server and resolves when it listens.
 * @param {{ stateDir: string, host: string, port: number, bindings: Record<string, string>, hooks: PlatformHooks }} options
 * @returns {Promise<{ port: number, runtimePid: number | null, tick: (cron: string, scheduledTime: Date) => Promise<void>, stop: () => Promise<void> }>}
 */
export async function startPlatform({ stateDir, host, port, bindings, hooks }) {
  const options = workerOptions();
  const platform = new Miniflare(
    convertV4MiniflareOptions({
      ...sharedOptions(stateDir),
      host,
      port,
      handleStructuredLogs: ({ level, message }) => hooks.onWorkerLog(level, message),
      workers: [{ ...options, name: "sett", modules: bundledModules(), modulesRoot: BUNDLE, bindings: { ...options.bindings, ...bindings } }],
    }),
  );
  const url = await platform.ready;
  const worker = await platform.getWorker("sett");
  const runtimePid = childrenOf(process.pid).find((pid) => describeProcess(pid)?.command.includes("workerd")) ?? null;
  const guard = runtimePid === null ? null : guardRuntime(runtimePid);
  return {
    port: Number(url.port),
    runtimePid,
    tick: async (cron, scheduledTime) => {
      const { outcome } = await worker.scheduled({ cron, scheduledTime });
      if (outcome !== "ok") throw new Error(`cron "${cron}" ended with ${outcome}`);
    },
    stop: async () => {
      await platform.dispose();
      guard?.kill("SIGKILL");
    },
  };
}

/**
 * A shell that waits for our end of a pipe to close, which it does however we die, and then ends workerd, which would stay
 * otherwise and keep the port and the data. The next start does the same from the state folder in case this did not happen.
 * @param {number} pid
 */
function guardRuntime(pid) {
  if (process.platform === "win32") return null;
  const guard = spawn("/bin/sh", ["-c", `trap '' INT TERM HUP; read -r _; kill -9 ${pid} 2>/dev/null`], { stdio: ["pipe", "ignore", "ignore"] });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  return guard;
}

/**
 * Resolves when the address is free. @param {string} host @param {number} port
 * @throws with what to do when it is not
 */
export function requireFreePort(host, port) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      const probe = createServer();
      probe.once("error", (error) => {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code === "EADDRINUSE") reject(new Error(`Port ${port} on ${host} is in use. Stop what listens there, or choose another port: PORT=${port + 1} npm start`));
        else reject(new Error(`Cannot listen on ${host}:${port} (${code}).`));
      });
      probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
    })
  );
}

/** A port that nobody listens on at this moment. @param {string} host @returns {Promise<number>} */
export function findFreePort(host) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ host, port: 0, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}

/** Appends the worker's log to a file and shows its warnings and errors. @param {string} stateDir @param {(text: string) => void} show */
export function createWorkerLog(stateDir, show) {
  const file = join(stateDir, "logs", "worker.log");
  mkdirSync(join(stateDir, "logs"), { recursive: true });
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  /** @type {string[]} */
  let pending = [];
  const flush = () => {
    if (pending.length > 0) appendFileSync(file, pending.join(""));
    pending = [];
  };
  const timer = setInterval(flush, 500);
  timer.unref();
  return {
    file,
    /** @type {PlatformHooks["onWorkerLog"]} */
    write(level, message) {
      pending.push(`${message}\n`);
      if (level === "error" || level === "warn") show(message);
    },
    close() {
      clearInterval(timer);
      flush();
    },
  };
}
