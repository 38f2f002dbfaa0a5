import { join } from "node:path";
import { inRoot, TOOLS } from "../../scripts/lib/paths.mjs";
import { freePort, startChild, waitForOk } from "./child.mjs";
import { createRealFleet, raisePlanCap } from "./real-fleet.mjs";

/** @typedef {import("./child.mjs").BenchServer} BenchServer */
/** @typedef {{ stateDir: string, machines: number, limits: boolean }} SettOptions */

const OFFERS = /** @type {const} */ (["streams", "sockets", "commands"]);

/** Settings of a run: no limiter (one address plays the whole fleet) and room for every stream. @param {SettOptions} options @returns {Record<string, string>} */
const settings = ({ machines, limits }) => ({ RATE_LIMITS: limits ? "on" : "off", MAX_STREAMS_PER_ISOLATE: String(machines * 2 + 1_000) });

/** Migrates the local database as `npm start` would, and raises the plan's cap. @param {string} stateDir */
async function prepareState(stateDir) {
  const [{ readWranglerConfig, withDatabase }, { applyMigrations, readMigrations }] = await Promise.all([import("../../scripts/lib/platform.mjs"), import("../../scripts/lib/migrations.mjs")]);
  await withDatabase(stateDir, async (db) => {
    await applyMigrations(db, readMigrations(readWranglerConfig().migrationsDir));
    await raisePlanCap(db);
  });
}

/** Sett as `npm start` runs it: Miniflare around workerd. @param {SettOptions} options @returns {Promise<BenchServer>} */
export async function startMiniflare(options) {
  await prepareState(options.stateDir);
  const { pid, ready, stop } = await startChild({
    args: [inRoot("scripts/start.mjs"), "--json", "--no-build"],
    env: { ...settings(options), SETT_STATE_DIR: options.stateDir, PORT: "0", HOST: "127.0.0.1" },
    isReady: (line) => (line.startsWith('{"event":"ready"') ? String(JSON.parse(line).url) : null),
  });
  const port = Number(new URL(ready).port);
  return { target: { host: "127.0.0.1", port }, roots: [pid], offers: OFFERS, createFleet: (machines) => createRealFleet(`http://127.0.0.1:${port}`, machines), stop };
}

/** Sett under `wrangler dev`, which bundles it itself. @param {SettOptions} options @returns {Promise<BenchServer>} */
export async function startWrangler(options) {
  await prepareState(options.stateDir);
  const { loadLocalSecrets } = await import("../../scripts/lib/secrets.mjs");
  const secrets = join(options.stateDir, ".dev.vars");
  loadLocalSecrets(secrets);
  const [port, inspector] = [await freePort(), await freePort()];
  const vars = Object.entries(settings(options)).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const { pid, stop } = await startChild({
    args: [TOOLS.wrangler, "dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(inspector), "--persist-to", options.stateDir, "--env-file", secrets, "--show-interactive-dev-session=false", ...vars],
    isReady: (line) => (line.includes("Ready on") ? true : null),
  });
  try {
    await waitForOk(`http://127.0.0.1:${port}/health`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { target: { host: "127.0.0.1", port }, roots: [pid], offers: OFFERS, createFleet: (machines) => createRealFleet(`http://127.0.0.1:${port}`, machines), stop };
}
