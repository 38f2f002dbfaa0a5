/**
 * `npm run deploy -- --env staging|production [--admin EMAIL] [--dry-run]`: makes what the environment lacks, applies migrations,
 * deploys, and makes somebody who has signed up there an administrator.
 * Safe to repeat: everything that exists stays as it is. `--dry-run` needs no network and prints the plan.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./build.mjs";
import { inRoot, TOOLS } from "./lib/paths.mjs";
import { bold, createReporter, dim } from "./lib/reporter.mjs";
import { CommandFailed, quietEnv, run } from "./lib/run.mjs";
import { promotionSql } from "./lib/promotion.mjs";
import { generateSecrets } from "./lib/secrets.mjs";
import { setDatabaseId, ZERO_ID } from "./lib/wrangler-toml.mjs";

const CONFIG = inRoot("wrangler.toml");
const ENVIRONMENTS = ["staging", "production"];
const reporter = createReporter();

/** @typedef {{ environment: string, worker: string, database: { binding: string, name: string, id: string }, queues: string[], buckets: string[], crons: string[] }} Plan */

/**
 * The part of wrangler's configuration that is read here.
 * @typedef {{ name?: string, d1_databases: { binding: string, database_name?: string, database_id?: string }[], r2_buckets: { bucket_name?: string }[],
 *   queues: { producers?: { queue: string }[], consumers?: { queue: string, dead_letter_queue?: string }[] }, triggers: { crons?: string[] } }} WranglerConfig
 */

/** Runs wrangler; throws with its output when it fails. @param {readonly string[]} args @param {{ input?: string }} [options] */
async function wrangler(args, options = {}) {
  const result = await tryWrangler(args, options);
  if (result.code !== 0) throw new CommandFailed(`wrangler ${args.slice(0, 3).join(" ")}`, result);
  return result.output;
}

/** @param {readonly string[]} args @param {{ input?: string }} [options] */
const tryWrangler = (args, options = {}) => run(process.execPath, [TOOLS.wrangler, ...args], { ...options, env: quietEnv() });

/** What wrangler.toml asks for. @param {string} environment @returns {Promise<Plan>} */
async function readPlan(environment) {
  const { unstable_readConfig } = await import("wrangler");
  /** @type {WranglerConfig} */
  const config = unstable_readConfig({ config: CONFIG, env: environment }, { hideWarnings: true });
  const [database] = config.d1_databases;
  if (!config.name || !database?.database_name) throw new Error(`wrangler.toml lacks a name or a database in env.${environment}`);
  const queues = [...(config.queues.producers ?? []).map(({ queue }) => queue), ...(config.queues.consumers ?? []).flatMap(({ queue, dead_letter_queue: dead }) => [queue, dead ?? queue])];
  return {
    environment,
    worker: config.name,
    database: { binding: database.binding, name: database.database_name, id: database.database_id ?? ZERO_ID },
    queues: [...new Set(queues)],
    buckets: config.r2_buckets.map(({ bucket_name: name }) => name ?? "").filter(Boolean),
    crons: config.triggers.crons ?? [],
  };
}

/** @param {Plan} plan */
function printPlan({ environment, worker, database, queues, buckets, crons }) {
  const migrations = dim("migrations that have not run there yet, in order");
  process.stdout.write(`\n${bold(`Plan for ${environment}`)}\n`);
  for (const [what, text] of [
    ["worker", worker],
    ["database", `${database.name} ${dim(database.id === ZERO_ID ? "(created, its id written to wrangler.toml)" : database.id)}`],
    ["queues", queues.join(", ")],
    ["buckets", buckets.join(", ")],
    ["secrets", `${Object.keys(generateSecrets()).join(", ")} ${dim("(made where absent)")}`],
    ["schema", migrations],
    ["crons", crons.map((cron) => `"${cron}"`).join(", ")],
  ]) {
    process.stdout.write(`  ${String(what).padEnd(9)} ${text}\n`);
  }
  process.stdout.write(`  ${dim("what exists already is left alone")}\n\n`);
}

async function requireLogin() {
  const { code } = await tryWrangler(["whoami", "--json"]);
  if (code !== 0) throw new Error("wrangler is not signed in. Set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID), or run: npx wrangler login");
}

/** @param {Plan} plan */
async function ensureDatabase({ environment, database }) {
  const find = async () => {
    const text = await wrangler(["d1", "list", "--json"]);
    /** @type {{ name: string, uuid: string }[]} */
    const known = JSON.parse(text.slice(text.indexOf("[")));
    return known.find(({ name }) => name === database.name)?.uuid;
  };
  let id = await find();
  if (!id) {
    await reporter.step(`created database ${database.name}`, () => wrangler(["d1", "create", database.name]));
    id = await find();
    if (!id) throw new Error(`The database ${database.name} was created but is not listed; try again in a moment.`);
  }
  if (database.id === id) return;
  if (database.id !== ZERO_ID) throw new Error(`wrangler.toml says that ${database.name} is ${database.id}, but the account's is ${id}. Put the right id there, or sign in to the other account.`);
  writeFileSync(CONFIG, setDatabaseId(readFileSync(CONFIG, "utf8"), environment, database.name, id));
  reporter.info(`wrote the id of ${database.name} to wrangler.toml: commit that change`);
}

/** @param {string} kind @param {string} name @param {readonly string[]} look @param {readonly string[]} create */
async function ensure(kind, name, look, create) {
  const seen = await tryWrangler(look);
  if (seen.code === 0) return;
  // Only "there is none" may lead to creating; a network or permission error shows itself there too.
  await reporter.step(`created ${kind} ${name}`, () => wrangler(create));
}

/** Names of the worker's secrets; null when there is no worker yet. @param {string} environment @returns {Promise<string[] | null>} */
async function listSecrets(environment) {
  const { code, output } = await tryWrangler(["secret", "list", "--env", environment, "--format", "json"]);
  if (code !== 0) {
    if (/not found|does not exist|10007|couldn't find/i.test(output)) return null;
    throw new CommandFailed("wrangler secret list", { code, output });
  }
  return JSON.parse(output.slice(output.indexOf("["))).map((/** @type {{ name: string }} */ { name }) => name);
}

/** Makes the secrets that are absent. They go through a pipe, so no file, argument or terminal ever holds them. @param {string} environment @param {readonly string[]} present */
async function ensureSecrets(environment, present) {
  const missing = Object.entries(generateSecrets()).filter(([name]) => !present.includes(name));
  if (missing.length === 0) return;
  await reporter.step(`made secrets ${missing.map(([name]) => name).join(", ")}`, () => wrangler(["secret", "bulk", "--env", environment], { input: JSON.stringify(Object.fromEntries(missing)) }));
}

/** Makes somebody who has signed up an administrator. @param {Plan} plan @param {string} sql @param {string} email */
async function promote({ environment, database }, sql, email) {
  const output = await wrangler(["d1", "execute", database.binding, "--remote", "--yes", "--json", "--env", environment, "--command", sql]);
  if (!output.includes('"email_key"')) throw new Error(`${email} has no verified account in ${environment}: sign up there first, then repeat this.`);
  reporter.info(`${email} is an administrator of ${environment}`);
}

async function main() {
  const { values } = parseArgs({ options: { env: { type: "string" }, admin: { type: "string" }, "dry-run": { type: "boolean", default: false } } });
  const promotion = values.admin === undefined ? null : promotionSql(values.admin);
  const environment = values.env ?? "";
  if (!ENVIRONMENTS.includes(environment)) throw new Error(`Say where: npm run deploy -- --env ${ENVIRONMENTS.join("|")}`);
  await bootstrap(reporter);
  const plan = await readPlan(environment);
  printPlan(plan);
  await buildAll(reporter);
  if (values["dry-run"]) {
    await reporter.step("bundled as it would be uploaded", () => wrangler(["deploy", "--dry-run", "--env", environment, "--outdir", inRoot(".cache/deploy")]));
    reporter.info("dry run: nothing was sent");
    return;
  }
  await requireLogin();
  await ensureDatabase(plan);
  for (const name of plan.queues) await ensure("queue", name, ["queues", "info", name], ["queues", "create", name]);
  for (const name of plan.buckets) await ensure("bucket", name, ["r2", "bucket", "info", name], ["r2", "bucket", "create", name]);
  await reporter.step("migrations applied", () => wrangler(["d1", "migrations", "apply", plan.database.binding, "--remote", "--env", environment]));
  // Secrets first, so that the new code never runs without them; a worker's first version has to exist before it can hold any.
  const secrets = await listSecrets(environment);
  if (secrets) await ensureSecrets(environment, secrets);
  const output = await reporter.step(`deployed ${plan.worker}`, () => wrangler(["deploy", "--env", environment]));
  if (!secrets) await ensureSecrets(environment, []);
  if (promotion !== null) await promote(plan, promotion, values.admin ?? "");
  for (const url of new Set(output.match(/https:\/\/\S+\.workers\.dev/g) ?? [])) reporter.plain(`live on ${url}`);
}

main().catch((error) => {
  reporter.fail(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
