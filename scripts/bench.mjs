/**
 * `npm run bench`: a fleet of simulated machines against servers that this script starts itself, one after the other, in one run.
 *
 * Options: --machines 1000, --seconds 30 (measured time per server), --servers miniflare,wrangler,workerd,postgres,
 * --postgres install|use|skip (default: use when it is installed), --concurrency 32, --limits (leave the rate limiter on), --json.
 * Plots and the run's numbers go to .cache/bench/. Servers listen on loopback and keep their data in a folder that is removed.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { inRoot } from "./lib/paths.mjs";
import { createReporter, dim } from "./lib/reporter.mjs";

const { values: flags } = parseArgs({
  options: {
    machines: { type: "string", default: "1000" },
    seconds: { type: "string", default: "30" },
    servers: { type: "string", default: "miniflare,wrangler,workerd,postgres" },
    postgres: { type: "string", default: "use" },
    concurrency: { type: "string", default: "32" },
    limits: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const reporter = createReporter({ json: flags.json });
const SERVERS = /** @type {const} */ (["miniflare", "wrangler", "workerd", "postgres"]);
const MODES = /** @type {const} */ (["install", "use", "skip"]);
const COMMANDS = 300;

/** @param {"machines" | "seconds" | "concurrency"} name @param {number} max */
function readNumber(name, max) {
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`--${name} must be a whole number from 1 to ${max}.`);
  return value;
}

/** @template {string} T @param {string} text @param {readonly T[]} known @param {string} option @returns {T} */
function oneOf(text, known, option) {
  const found = known.find((name) => name === text);
  if (found === undefined) throw new Error(`${option}: "${text}" is none of ${known.join(", ")}.`);
  return found;
}

/** Parses what the person asked for. */
function readPlan() {
  return {
    machines: readNumber("machines", 10_000),
    seconds: readNumber("seconds", 300),
    concurrency: readNumber("concurrency", 512),
    servers: flags.servers.split(",").map((name) => oneOf(name.trim(), SERVERS, "--servers")),
    postgres: oneOf(flags.postgres, MODES, "--postgres"),
  };
}

/** @param {(typeof SERVERS)[number]} name @param {{ stateDir: string, machines: number, postgres: (typeof MODES)[number] }} options */
async function starterOf(name, { stateDir, machines, postgres }) {
  if (name === "workerd") return async () => (await import("../bench/servers/workerd.mjs")).startWorkerd({ stateDir });
  if (name === "postgres") return async () => (await import("../bench/servers/baseline.mjs")).startBaseline({ stateDir, mode: postgres });
  const { startMiniflare, startWrangler } = await import("../bench/servers/sett.mjs");
  const options = { stateDir, machines, limits: flags.limits };
  return () => (name === "miniflare" ? startMiniflare(options) : startWrangler(options));
}

/** Every server of the plan in turn. One that fails is reported, and the others are measured all the same. @param {ReturnType<typeof readPlan>} plan */
async function measureAll(plan) {
  const [{ createScratch }, { runScenarios }, { whyNoBaseline }] = await Promise.all([import("../bench/lib/scratch.mjs"), import("../bench/scenarios.mjs"), import("../bench/servers/baseline.mjs")]);
  /** @type {import("../bench/scenarios.mjs").Result[]} */
  const results = [];
  /** @type {{ server: string, reason: string }[]} */
  const left = [];
  const scratch = createScratch();
  const cleanUp = () => scratch.remove();
  process.on("exit", cleanUp);
  reporter.info(scratch.inMemory ? "data in memory (/dev/shm), so that no server waits for a disk" : "data in the temporary folder: writes wait for its disk");
  try {
    for (const name of plan.servers) {
      const why = name === "postgres" ? whyNoBaseline(plan.postgres) : null;
      if (why !== null) {
        left.push({ server: name, reason: why });
        reporter.info(`${name}: skipped, ${why}`);
        continue;
      }
      const stateDir = join(scratch.path, name);
      mkdirSync(stateDir, { recursive: true });
      const say = (/** @type {string} */ text) => reporter.info(`${name}: ${text}`);
      try {
        const start = await starterOf(name, { stateDir, ...plan });
        results.push(...(await reporter.step(`${name} measured`, () => runScenarios(start, { name, commands: COMMANDS, say, ...plan }))));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        left.push({ server: name, reason });
        reporter.warn(`${name} failed: ${reason}`);
      }
    }
  } finally {
    cleanUp();
  }
  return { results, left, inMemory: scratch.inMemory };
}

/** @param {object} run @param {readonly import("../bench/scenarios.mjs").Result[]} results */
async function save(run, results) {
  const [{ OUT_DIR }, { renderBars }, { short }] = await Promise.all([import("../bench/lib/scratch.mjs"), import("../bench/lib/plot.mjs"), import("../bench/lib/table.mjs")]);
  const loads = results.filter(({ scenario }) => ["beats only", "http+sse", "socket"].includes(scenario));
  const commands = results.filter(({ scenario }) => scenario.startsWith("command"));
  /** @param {typeof loads} rows @param {"perSecond" | "cpuMsEach" | "p99"} field */
  const bars = (rows, field) => rows.map((row) => ({ group: row.scenario, name: row.server, value: row[field] ?? 0 }));
  const files = {
    "latest.json": `${JSON.stringify(run, null, 2)}\n`,
    "beats-per-second.svg": renderBars({ title: "Beats per second", unit: "more is better", bars: bars(loads, "perSecond"), format: short }),
    "cpu-per-beat.svg": renderBars({ title: "Server CPU per beat", unit: "ms, less is better", bars: bars(loads, "cpuMsEach"), format: short }),
    "command-latency.svg": renderBars({ title: "Command to machine, p99", unit: "ms, less is better", bars: bars(commands, "p99"), format: short }),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(OUT_DIR, name), text);
  return OUT_DIR;
}

async function main() {
  await bootstrap(reporter);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => void endEarly());
  // Our launcher under an older Node is gone: without it nobody can stop us any more.
  process.on("disconnect", () => void endEarly());
  const plan = readPlan();
  if (plan.servers.some((name) => name !== "postgres")) await (await import("./build.mjs")).buildWorker(reporter);

  const startedAt = Date.now();
  const { results, left, inMemory } = await measureAll(plan);
  const [{ costOf, ratiosTo, renderCost, tableOf }, { renderTable }] = await Promise.all([import("../bench/report.mjs"), import("../bench/lib/table.mjs")]);
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const cost = costOf(results);
  const ratios = ratiosTo(results, "postgres");
  const machine = { cores: cpus().length, memoryGb: Math.round(totalmem() / 1024 ** 3), node: process.versions.node };
  const run = { at: new Date(startedAt).toISOString(), version, ...plan, limits: flags.limits, inMemory, machine, results, ratios, cost, left };
  const folder = await save(run, results);

  if (flags.json) process.stdout.write(`${JSON.stringify(run)}\n`);
  else {
    const { head, rows } = tableOf(results);
    process.stdout.write(`\n${plan.machines} machines, ${machine.cores} cores shared by server and generator, ${machine.memoryGb} GiB\n\n${renderTable(head, rows)}\n`);
    if (ratios.length > 0) {
      const lines = ratios.map(({ server, scenario, throughput, cpu }) => [server, scenario, `${throughput.toFixed(2)}`, `${cpu.toFixed(2)}`]);
      process.stdout.write(`\n${renderTable(["against postgres", "scenario", "× throughput", "× CPU each"], lines)}\n`);
    }
    process.stdout.write(`\n${renderCost(cost)}\n\n  ${dim(`numbers and plots in ${folder}`)}\n`);
    for (const { server, reason } of left) process.stdout.write(`  ${server} was not measured: ${reason.split("\n")[0]}\n`);
  }
  process.exit(results.length === 0 ? 1 : 0);
}

/** Ends our own processes, and then this one. An interrupt is what each of the servers takes as "now, but properly". */
async function endEarly() {
  const { childrenOf } = await import("./lib/processes.mjs");
  const { endTree } = await import("../bench/lib/process-tree.mjs");
  await Promise.all(childrenOf(process.pid).map((pid) => endTree(pid, "SIGINT", 3_000)));
  process.exit(130);
}

main().catch((error) => {
  reporter.fail(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
