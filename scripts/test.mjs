/**
 * `npm test`: checks, unit tests, tests in workerd, tests beside payment providers, a provider of computers and a homeserver, and smoke journeys, from a bare clone. The last line is
 * `N passed, N failed`. Option: --only check|unit|workerd|billing|cloud|matrix|smoke (may be repeated).
 */
import { existsSync, readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { addCounts, countSmoke, noCounts, oneFailure, summaryLine } from "./lib/counts.mjs";
import { inRoot } from "./lib/paths.mjs";
import { bold, createReporter, dim, formatDuration, green, red } from "./lib/reporter.mjs";
import { run } from "./lib/run.mjs";
import { conclude, runVitest } from "./lib/suites.mjs";

/** @typedef {import("./lib/counts.mjs").Counts} Counts */

const STAGES = /** @type {const} */ (["check", "unit", "workerd", "billing", "cloud", "matrix", "smoke"]);
const SMOKE_TIMEOUT_MS = 10 * 60_000;

/** @typedef {typeof STAGES[number]} Stage */

/** @returns {Promise<Counts>} */
async function check() {
  const { runChecks } = await import("./check.mjs");
  const results = await runChecks();
  return results.reduce((sum, { name, ok, text }) => addCounts(sum, ok ? { ...noCounts(), passed: 1 } : oneFailure(`check: ${name}`, text.split("\n").slice(0, 40).join("\n"))), noCounts());
}

/** @returns {Promise<Counts>} */
async function matrix() {
  const { runMatrix } = await import("./test-matrix.mjs");
  return runMatrix(createReporter());
}

/** @returns {Promise<Counts>} */
async function smoke() {
  const folder = inRoot("test/smoke");
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".smoke.mjs")).sort() : [];
  let counts = noCounts();
  for (const name of files) {
    const startedAt = performance.now();
    process.stdout.write(`${bold(name)}\n`);
    const { code, output } = await run(process.execPath, [inRoot("test/smoke", name)], { stream: true, env: { ...process.env, NODE_NO_WARNINGS: "1" }, timeoutMs: SMOKE_TIMEOUT_MS });
    counts = addCounts(counts, countSmoke(name, output, code));
    process.stdout.write(`${dim(`${name} ${formatDuration(performance.now() - startedAt)}`)}\n`);
  }
  return counts;
}

/** @type {Record<Stage, () => Promise<Counts>>} */
const RUNNERS = { check, unit: () => runVitest("unit"), workerd: () => runVitest("workerd"), billing: () => runVitest("billing"), cloud: () => runVitest("cloud"), matrix, smoke };

async function main() {
  const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
  const wanted = /** @type {Stage[]} */ (values.only ?? [...STAGES]);
  for (const name of wanted) if (!STAGES.includes(name)) throw new Error(`--only takes ${STAGES.join(", ")}, not "${name}"`);
  const reporter = createReporter();
  await bootstrap(reporter);
  const startedAt = performance.now();
  let total = noCounts();
  try {
    const { buildAll } = await import("./build.mjs");
    await buildAll(reporter);
  } catch (error) {
    total = addCounts(total, oneFailure("build", error instanceof Error ? error.message : String(error)));
  }
  for (const stage of STAGES.filter((name) => wanted.includes(name))) {
    process.stdout.write(`\n${bold(`── ${stage}`)}\n`);
    const counts = await RUNNERS[stage]().catch((error) => oneFailure(`${stage} crashed`, error instanceof Error ? (error.stack ?? error.message) : String(error)));
    const ran = counts.passed + counts.failed + counts.skipped;
    total = addCounts(total, ran === 0 ? oneFailure(`${stage}: nothing ran`) : counts);
    process.stdout.write(`${counts.failed === 0 && ran > 0 ? green("✓") : red("✗")} ${stage}: ${summaryLine(counts)}\n`);
  }
  conclude(total, performance.now() - startedAt);
}

main().catch((error) => {
  createReporter().fail(error instanceof Error ? error.message : String(error));
  process.stdout.write(`${summaryLine(oneFailure("npm test"))}\n`);
  process.exitCode = 1;
});
