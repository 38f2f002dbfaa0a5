/**
 * `npm run test:matrix`: the tests beside a homeserver, against a real Synapse, which is installed on first use. Where Synapse cannot
 * run they run against its double, and that counts as skipped. The last line is `N passed, N failed`.
 * Option: --double (the double on purpose). Whatever else is given picks test files by a part of their path.
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startSynapse } from "../test/support/homeserver/synapse.mjs";
import { SynapseUnavailable } from "../test/support/homeserver/synapse-install.mjs";
import { bootstrap } from "./lib/bootstrap.mjs";
import { addCounts, noCounts, oneFailure, summaryLine } from "./lib/counts.mjs";
import { createReporter, formatDuration } from "./lib/reporter.mjs";
import { conclude, runVitest } from "./lib/suites.mjs";

/** @typedef {import("./lib/counts.mjs").Counts} Counts */
/** @typedef {import("./lib/reporter.mjs").Reporter} Reporter */

/** @param {readonly string[]} files @param {unknown} [homeserver] absent for the double */
const runAgainst = (files, homeserver) => runVitest("homeserver", { files, env: { SETT_TEST_HOMESERVER: homeserver === undefined ? "" : JSON.stringify(homeserver) } });

/**
 * Runs the project `homeserver`.
 * @param {Reporter} reporter
 * @param {{ double?: boolean, files?: readonly string[] }} [options]
 * @returns {Promise<Counts>}
 */
export async function runMatrix(reporter, { double = false, files = [] } = {}) {
  if (double) return runAgainst(files);
  const startedAt = performance.now();
  let synapse;
  try {
    synapse = await startSynapse({ log: reporter.info });
  } catch (error) {
    if (!(error instanceof SynapseUnavailable)) throw error;
    reporter.warn(`${error.message}\n  The tests run against the double instead.`);
    return addCounts(await runAgainst(files), { ...noCounts(), skipped: 1, skips: [`homeserver tests against a real Synapse (${error.reason}); they ran against the double`] });
  }
  const { stop, ...homeserver } = synapse;
  reporter.info(`Synapse ${homeserver.version} at ${homeserver.baseUrl}, ready in ${formatDuration(performance.now() - startedAt)}`);
  try {
    return await runAgainst(files, homeserver);
  } finally {
    await stop();
  }
}

async function main() {
  const { values, positionals } = parseArgs({ options: { double: { type: "boolean", default: false } }, allowPositionals: true });
  const reporter = createReporter();
  await bootstrap(reporter);
  const startedAt = performance.now();
  conclude(await runMatrix(reporter, { ...values, files: positionals }), performance.now() - startedAt);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main().catch((error) => {
    createReporter().fail(error instanceof Error ? error.message : String(error));
    process.stdout.write(`${summaryLine(oneFailure("test:matrix"))}\n`);
    process.exitCode = 1;
  });
}
