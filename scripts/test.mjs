/**
 * `npm test`: checks, unit tests, tests in workerd and smoke journeys, from a bare clone. The last line is `N passed, N failed`.
 * Option: --only check|unit|workerd|smoke (may be repeated).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { addCounts, countSmoke, countVitest, noCounts, oneFailure, summaryLine } from "./lib/counts.mjs";
import { inRoot, ROOT, TOOLS } from "./lib/paths.mjs";
import { bold, createReporter, dim, formatDuration, green, red, yellow } from "./lib/reporter.mjs";
import { quietEnv, run } from "./lib/run.mjs";

/** @typedef {import("./lib/counts.mjs").Counts} Counts */

const STAGES = /** @type {const} */ (["check", "unit", "workerd", "smoke"]);
const SMOKE_TIMEOUT_MS = 10 * 60_000;
const SUITE_TIMEOUT_MS = 15 * 60_000;

/** @typedef {typeof STAGES[number]} Stage */

/** @returns {Promise<Counts>} */
async function check() {
  const { runChecks } = await import("./check.mjs");
  const results = await runChecks();
  return results.reduce((sum, { name, ok, text }) => addCounts(sum, ok ? { ...noCounts(), passed: 1 } : oneFailure(`check: ${name}`, text.split("\n").slice(0, 40).join("\n"))), noCounts());
}

/** @param {string} project @returns {Promise<Counts>} */
async function vitest(project) {
  const report = inRoot(".cache", `vitest-${project}.json`);
  mkdirSync(inRoot(".cache"), { recursive: true });
  rmSync(report, { force: true });
  const args = [TOOLS.vitest, "run", "--project", project, "--reporter=dot", "--reporter=json", `--outputFile.json=${report}`, "--passWithNoTests=false"];
  const { code, output } = await run(process.execPath, args, { stream: true, env: quietEnv(), timeoutMs: SUITE_TIMEOUT_MS });
  const end = output.trimEnd().split("\n").slice(-30).join("\n");
  if (!existsSync(report)) return oneFailure(`vitest ${project} crashed (exit ${code})`, end);
  const counts = countVitest(JSON.parse(readFileSync(report, "utf8")), ROOT);
  // Errors outside of tests (an unhandled rejection, a worker that dies) only show in the exit code.
  if (code !== 0 && counts.failed === 0) return addCounts(counts, oneFailure(`vitest ${project} ended with exit code ${code} though no test failed`, end));
  return counts;
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
const RUNNERS = { check, unit: () => vitest("unit"), workerd: () => vitest("workerd"), smoke };

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

/** @param {Counts} total @param {number} ms */
function conclude(total, ms) {
  if (total.skips.length > 0) process.stdout.write(`\n${yellow("Skipped")}\n${total.skips.map((text) => `  - ${text}\n`).join("")}`);
  if (total.failures.length > 0) process.stdout.write(`\n${red("Failures")}\n${total.failures.map((text) => `  - ${text}\n`).join("")}`);
  const ok = total.failed === 0 && total.passed > 0;
  process.stdout.write(`\n${dim(`in ${formatDuration(ms)}`)}\n${summaryLine(total)}\n`);
  process.exitCode = ok ? 0 : 1;
}

main().catch((error) => {
  createReporter().fail(error instanceof Error ? error.message : String(error));
  process.stdout.write(`${summaryLine(oneFailure("npm test"))}\n`);
  process.exitCode = 1;
});
