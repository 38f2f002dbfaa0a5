/**
 * `npm run seed`: fills the database of a local state folder with people, machines, bots, a year of payments and what goes with them.
 * The same options give the same rows. Everybody's password is the same; see the last lines that it prints.
 *
 * Options: --users 10000, --machines 50000, --bots 200000, --months 12 (of payments), --seed sett, --until 2026-11-01T00:00:00Z (when the
 * rows end; default: the begin of today, UTC), --state DIR (default: SETT_STATE_DIR or .sett), --json.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { createReporter, dim, formatDuration } from "./lib/reporter.mjs";
import { endLeftoverRuntime, lockStateDir, stateDirOf } from "./lib/state-dir.mjs";

const { values: flags } = parseArgs({
  options: {
    users: { type: "string", default: "10000" },
    machines: { type: "string", default: "50000" },
    bots: { type: "string", default: "200000" },
    months: { type: "string", default: "12" },
    seed: { type: "string", default: "sett" },
    until: { type: "string" },
    state: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const reporter = createReporter({ json: flags.json });
const DAY_MS = 86_400_000;
const PROGRESS_EACH_MS = 5_000;

/** @param {"users" | "machines" | "bots" | "months"} name @param {number} min @param {number} max */
function readNumber(name, min, max) {
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < min || value > max) throw new Error(`--${name} must be a whole number from ${min} to ${max}.`);
  return value;
}

function readSizes() {
  const until = flags.until === undefined ? Math.floor(Date.now() / DAY_MS) * DAY_MS : Date.parse(flags.until);
  if (!Number.isFinite(until)) throw new Error("--until must be a time, for example 2026-11-01T00:00:00Z.");
  return { users: readNumber("users", 5, 1_000_000), machines: readNumber("machines", 0, 5_000_000), bots: readNumber("bots", 0, 20_000_000), months: readNumber("months", 1, 24), seed: flags.seed, until };
}

/** Progress of long tables every few seconds, and a line for each that is done. */
function createProgress() {
  let told = performance.now();
  return {
    progress: (/** @type {string} */ table, /** @type {number} */ rows) => {
      if (performance.now() - told < PROGRESS_EACH_MS) return;
      told = performance.now();
      reporter.info(`${table}: ${rows.toLocaleString("en-US")} rows …`);
    },
    table: (/** @type {string} */ table, /** @type {number} */ rows, /** @type {number} */ ms) => {
      told = performance.now();
      reporter.plain(`  ${table.padEnd(22)} ${rows.toLocaleString("en-US").padStart(9)} rows  ${dim(formatDuration(ms))}`, { table, rows, ms: Math.round(ms) });
    },
  };
}

/** Secrets of a folder that is local and nothing else. @param {string} stateDir */
async function readSecrets(stateDir) {
  const { loadLocalSecrets, pickEnvironment } = await import("./lib/secrets.mjs");
  const { vars } = loadLocalSecrets(join(stateDir, ".dev.vars"));
  const { ENVIRONMENT: environment = "local", PASSWORD_PEPPER = "", SEAL_KEYS = "", TOKEN_KEYS = "", MATRIX_SERVER_NAME = "" } = { ...vars, ...pickEnvironment(process.env) };
  if (environment !== "local") throw new Error(`Only a local environment is seeded, and ENVIRONMENT says "${environment}".`);
  return { PASSWORD_PEPPER, SEAL_KEYS, TOKEN_KEYS, MATRIX_SERVER_NAME };
}

async function main() {
  const sizes = readSizes();
  await bootstrap(reporter);
  const stateDir = flags.state === undefined ? stateDirOf() : resolve(flags.state);
  // Fails while a server runs on it.
  const unlock = lockStateDir(stateDir);
  try {
    const startedAt = performance.now();
    await endLeftoverRuntime(stateDir);
    const secrets = await readSecrets(stateDir);
    const [{ readWranglerConfig, withDatabase }, { applyMigrations, readMigrations }, { SEED_ADMIN, SEED_PASSWORD, seedDatabase }] = await Promise.all([import("./lib/platform.mjs"), import("./lib/migrations.mjs"), import("./lib/seed/index.mjs")]);
    const { tables, rows } = await withDatabase(stateDir, async (db) => {
      await applyMigrations(db, readMigrations(readWranglerConfig().migrationsDir));
      return seedDatabase(db, sizes, secrets, createProgress());
    });
    const ms = performance.now() - startedAt;
    if (flags.json) reporter.event("seeded", { state_dir: stateDir, until: new Date(sizes.until).toISOString(), tables, rows, admin_email: SEED_ADMIN, password: SEED_PASSWORD, ms: Math.round(ms) });
    else process.stdout.write(`\n  ${rows.toLocaleString("en-US")} rows in ${formatDuration(ms)}; ${stateDir}\n  Everybody's password is ${SEED_PASSWORD}; the administrator is ${SEED_ADMIN}\n`);
  } finally {
    unlock();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    reporter.fail(error instanceof Error ? error.message : String(error));
    if (process.env["DEBUG"]) console.error(error);
    process.exit(1);
  },
);
