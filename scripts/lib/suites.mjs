/** What every script that runs tests does: start vitest, count, conclude. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { addCounts, countVitest, oneFailure, summaryLine } from "./counts.mjs";
import { inRoot, ROOT, TOOLS } from "./paths.mjs";
import { dim, formatDuration, red, yellow } from "./reporter.mjs";
import { quietEnv, run } from "./run.mjs";

/** @typedef {import("./counts.mjs").Counts} Counts */

const SUITE_TIMEOUT_MS = 15 * 60_000;

/**
 * @param {string} project of vitest.config.ts
 * @param {{ env?: Record<string, string>, files?: readonly string[] }} [options] files by a part of their path; all when there are none
 * @returns {Promise<Counts>}
 */
export async function runVitest(project, { env = {}, files = [] } = {}) {
  const report = inRoot(".cache", `vitest-${project}.json`);
  mkdirSync(inRoot(".cache"), { recursive: true });
  rmSync(report, { force: true });
  const args = [TOOLS.vitest, "run", ...files, "--project", project, "--reporter=dot", "--reporter=json", `--outputFile.json=${report}`, "--passWithNoTests=false"];
  const { code, output } = await run(process.execPath, args, { stream: true, env: { ...quietEnv(), ...env }, timeoutMs: SUITE_TIMEOUT_MS });
  const end = output.trimEnd().split("\n").slice(-30).join("\n");
  if (!existsSync(report)) return oneFailure(`vitest ${project} crashed (exit ${code})`, end);
  const counts = countVitest(JSON.parse(readFileSync(report, "utf8")), ROOT);
  // Errors outside of tests (an unhandled rejection, a worker that dies) only show in the exit code.
  if (code !== 0 && counts.failed === 0) return addCounts(counts, oneFailure(`vitest ${project} ended with exit code ${code} though no test failed`, end));
  return counts;
}

/** Prints what was skipped and what failed, then the counts, and sets the exit code. @param {Counts} total @param {number} ms */
export function conclude(total, ms) {
  if (total.skips.length > 0) process.stdout.write(`\n${yellow("Skipped")}\n${total.skips.map((text) => `  - ${text}\n`).join("")}`);
  if (total.failures.length > 0) process.stdout.write(`\n${red("Failures")}\n${total.failures.map((text) => `  - ${text}\n`).join("")}`);
  const ok = total.failed === 0 && total.passed > 0;
  process.stdout.write(`\n${dim(`in ${formatDuration(ms)}`)}\n${summaryLine(total)}\n`);
  process.exitCode = ok ? 0 : 1;
}
