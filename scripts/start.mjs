/**
 * `npm start`: the whole of Sett on this machine, on one port. Installs, builds what is stale, prepares the database, serves
 * the API, the console and the documents, and ticks the cron triggers.
 *
 * Environment: PORT (8787), HOST (127.0.0.1), SETT_STATE_DIR (.sett), SETT_ADMIN_EMAIL, SETT_ADMIN_PASSWORD, SETT_VMS (off: no local
 * machines), and every text variable of src/env.ts. Options: --json (events as JSON lines), --no-build (serve what is built).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { inRoot } from "./lib/paths.mjs";
import { bold, createReporter, dim, formatDuration } from "./lib/reporter.mjs";
import { watchLauncher } from "./lib/processes.mjs";
import { endLeftoverRuntime, forgetRuntime, lockStateDir, rememberRuntime, stateDirOf } from "./lib/state-dir.mjs";

const { values: flags } = parseArgs({ options: { json: { type: "boolean", default: false }, "no-build": { type: "boolean", default: false } } });
const reporter = createReporter({ json: flags.json });

const DEFAULT_PORT = 8787;
const DEFAULT_TRIAL_DAYS = 14;
const HEALTH_TIMEOUT_MS = 20_000;

/** @typedef {{ stop: () => Promise<void> }} Running */
/** @type {(() => Promise<void> | void)[]} undone in reverse order at the end */
const cleanups = [];
let stopping = false;

/** Ends everything once. @param {number} code */
async function shutDown(code) {
  if (stopping) return;
  stopping = true;
  // Whatever hangs while we stop must not keep the process: the data is safe in its write-ahead logs.
  setTimeout(() => process.exit(code || 1), 8_000).unref();
  for (const undo of cleanups.toReversed()) await undo();
  process.exit(code);
}

/** Miniflare ends the process at the first signal, in the middle of our own clean-up; so its listeners go each time it adds them. */
function ownSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.removeAllListeners(signal);
    process.on(signal, () => void shutDown(0));
  }
}

/** @returns {{ host: string, port: number }} */
function readAddress() {
  const text = process.env["PORT"] || String(DEFAULT_PORT);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT must be a number from 0 to 65535, not "${text}".`);
  return { host: process.env["HOST"] || "127.0.0.1", port };
}

/** Secrets and settings of the server: the process environment wins over .dev.vars. @param {string} stateDir @returns {Promise<Record<string, string>>} */
async function readBindings(stateDir) {
  const { loadLocalSecrets, pickEnvironment } = await import("./lib/secrets.mjs");
  const file = join(stateDir, ".dev.vars");
  const { vars, created } = loadLocalSecrets(file);
  if (created) reporter.info(`local secrets created in ${file}`);
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  return { RELEASE: String(version), ...vars, ...pickEnvironment(process.env) };
}

/**
 * Local machines stand in for a cloud, unless the operator configured one; `note` says which or why there are none.
 * @param {string} stateDir @param {Record<string, string>} bindings @param {string} host
 */
async function startLocalMachines(stateDir, bindings, host) {
  if (bindings["COMPUTE_DRIVER"] && !(bindings["COMPUTE_DRIVER"] === "process" && !bindings["PROCESS_AGENT_URL"])) return { agent: null, note: `by the driver ${bindings["COMPUTE_DRIVER"]}` };
  const { startVmAgent, whyNoMachines } = await import("./lib/vm-agent/agent.mjs");
  const why = whyNoMachines(process.env, process.platform, bindings["ENVIRONMENT"] || "local", host);
  if (why !== null) return { agent: null, note: why };
  const agent = await startVmAgent(stateDir);
  return { agent, note: `local processes below ${agent.folder} (${agent.count()} now; SETT_VMS=off switches them off)` };
}

/** Applies migrations and sees to the administrator, before a request can arrive. @param {string} stateDir @param {Record<string, string>} bindings */
async function prepareDatabase(stateDir, bindings) {
  const [{ readWranglerConfig, withDatabase }, { applyMigrations, readMigrations }, { seedAdmin }] = await Promise.all([
    import("./lib/platform.mjs"),
    import("./lib/migrations.mjs"),
    import("./lib/admin.mjs"),
  ]);
  const migrations = readMigrations(readWranglerConfig().migrationsDir);
  return reporter.step("database ready", () =>
    withDatabase(stateDir, async (db) => {
      const applied = await applyMigrations(db, migrations);
      for (const name of applied) reporter.info(`applied ${name}`);
      return seedAdmin({
        db,
        stateDir,
        env: process.env,
        pepper: Buffer.from(bindings["PASSWORD_PEPPER"] ?? "", "base64url"),
        matrixServerName: bindings["MATRIX_SERVER_NAME"] || "sett.localhost",
        trialDays: Number(bindings["TRIAL_DURATION_DAYS"] || DEFAULT_TRIAL_DAYS),
      });
    }),
  );
}

/** Waits until the server answers, and says what it answers when it does not. @param {string} origin */
async function waitForHealth(origin) {
  const deadline = Date.now() + HEALTH_TIMEOUT_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(5_000) });
      const text = await response.text();
      if (response.ok) return;
      last = `${response.status} ${text.slice(0, 300)}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The server started but ${origin}/health does not answer well: ${last}`);
}

async function main() {
  const startedAt = performance.now();
  await bootstrap(reporter);
  ownSignals();
  // Whoever started us is gone (the same script under an older Node, or npm): nobody could stop us any more.
  if (process.channel) process.on("disconnect", () => void shutDown(0));
  else watchLauncher(() => void shutDown(0));

  const address = readAddress();
  const stateDir = stateDirOf();
  cleanups.push(lockStateDir(stateDir));
  const leftover = await endLeftoverRuntime(stateDir);
  if (leftover !== null) reporter.info(`ended the runtime of an earlier server (pid ${leftover})`);

  const { createWorkerLog, readWranglerConfig, findFreePort, requireFreePort, startPlatform } = await import("./lib/platform.mjs");
  if (address.port === 0) address.port = await findFreePort(address.host);
  else await requireFreePort(address.host, address.port);
  if (!flags["no-build"]) await (await import("./build.mjs")).buildAll(reporter);
  const bindings = await readBindings(stateDir);
  const admin = await prepareDatabase(stateDir, bindings);

  const reachable = address.host === "0.0.0.0" ? "127.0.0.1" : address.host.includes(":") ? "[::1]" : address.host;
  const workerLog = createWorkerLog(stateDir, (text) => reporter.warn(`worker: ${text}`));
  cleanups.push(() => workerLog.close());
  const machines = await startLocalMachines(stateDir, bindings, address.host);
  if (machines.agent) Object.assign(bindings, { COMPUTE_DRIVER: "process", PROCESS_AGENT_URL: machines.agent.url, PROCESS_AGENT_TOKEN: machines.agent.token, PROCESS_SERVER_URL: `http://${reachable}:${address.port}` });
  const platform = await startPlatform({ stateDir, ...address, bindings, hooks: { onWorkerLog: workerLog.write } });
  ownSignals();
  cleanups.push(async () => {
    await platform.stop();
    forgetRuntime(stateDir);
  });
  if (platform.runtimePid !== null) rememberRuntime(stateDir, platform.runtimePid);
  // Before the server, so that machines can say goodbye to it.
  if (machines.agent) cleanups.push(machines.agent.close);

  const { crons } = readWranglerConfig();
  const { startTicking } = await import("./lib/cron.mjs");
  cleanups.push(startTicking(crons, (cron, time) => void platform.tick(cron, time).catch((error) => reporter.warn(String(error.message)))));

  // 0.0.0.0 is no address to open; localhost reaches it.
  const shownHost = ["127.0.0.1", "0.0.0.0", "::", "::1"].includes(address.host) ? "localhost" : address.host;
  await waitForHealth(`http://${reachable}:${platform.port}`);
  await machines.agent?.bootAll();
  summarize(`http://${shownHost}:${platform.port}`, { stateDir, admin, crons, logFile: workerLog.file, machines: machines.note, environment: bindings["ENVIRONMENT"], ms: performance.now() - startedAt });
}

/**
 * @param {string} origin
 * @param {{ stateDir: string, admin: { email: string, generatedPassword: string | null }, crons: readonly string[], logFile: string, machines: string, environment: string | undefined, ms: number }} facts
 */
function summarize(origin, { stateDir, admin, crons, logFile, machines, environment, ms }) {
  if (flags.json) {
    reporter.event("ready", { url: origin, state_dir: stateDir, admin_email: admin.email, admin_password: admin.generatedPassword, crons, log: logFile, machines, ms: Math.round(ms) });
    return;
  }
  const password = admin.generatedPassword === null ? "" : `  password ${bold(admin.generatedPassword)} ${dim("(shown once; kept in admin.json of the state folder)")}`;
  const rows = [
    ["console", `${origin}/`],
    ["api docs", `${origin}/docs/`],
    ["mailbox", `${origin}/dev/mailbox ${dim("(mail that this server would have sent)")}`],
    ["admin", `${admin.email}${password}`],
    ["state", stateDir],
    ["log", logFile],
    ["machines", machines],
    ["cron", `${crons.map((cron) => `"${cron}"`).join(", ")} ${dim("ticked by this process, UTC")}`],
    ...(environment && environment !== "local" ? [["mode", environment]] : []),
  ];
  process.stdout.write("\n");
  for (const [name = "", value] of rows) process.stdout.write(`  ${name.padEnd(9)} ${value}\n`);
  process.stdout.write(`  ${dim(`started in ${formatDuration(ms)}; Ctrl-C stops it`)}\n\nready on ${origin}\n`);
}

main().catch(async (error) => {
  reporter.fail(error instanceof Error ? error.message : String(error));
  if (process.env["DEBUG"]) console.error(error);
  await shutDown(1);
});
