/**
 * Adds up what test runners report.
 * @typedef {{ passed: number, failed: number, skipped: number, failures: string[], skips: string[] }} Counts
 */

/** @returns {Counts} */
export const noCounts = () => ({ passed: 0, failed: 0, skipped: 0, failures: [], skips: [] });

/** @param {Counts} a @param {Counts} b @returns {Counts} */
export const addCounts = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  failures: [...a.failures, ...b.failures],
  skips: [...a.skips, ...b.skips],
});

/** @param {string} name @param {string} [why] @returns {Counts} */
export const oneFailure = (name, why = "") => ({ ...noCounts(), failed: 1, failures: [why ? `${name}\n${indent(why)}` : name] });

/** @param {string} text */
export const indent = (text) => text.split("\n").map((line) => `    ${line}`).join("\n");

/** The last line of `npm test`, which machines read. @param {Counts} counts */
export const summaryLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/**
 * What vitest's JSON report says. A file that does not even load counts as one failure.
 * @param {any} report
 * @param {string} root cut from file names
 * @returns {Counts}
 */
export function countVitest(report, root) {
  let counts = noCounts();
  for (const file of report.testResults ?? []) {
    const where = String(file.name).replace(`${root}/`, "");
    const tests = file.assertionResults ?? [];
    for (const test of tests) {
      const name = `${where} > ${test.fullName ?? test.title}`;
      if (test.status === "passed") counts = addCounts(counts, { ...noCounts(), passed: 1 });
      else if (test.status === "failed") counts = addCounts(counts, oneFailure(name, (test.failureMessages ?? []).join("\n").split("\n").slice(0, 12).join("\n")));
      else counts = addCounts(counts, { ...noCounts(), skipped: 1, skips: [`${name} (${test.status})`] });
    }
    const loadFailed = file.status === "failed" && !tests.some((/** @type {{ status: string }} */ test) => test.status === "failed");
    if (loadFailed) counts = addCounts(counts, oneFailure(`${where} did not run`, String(file.message ?? "").split("\n").slice(0, 12).join("\n")));
  }
  return counts;
}

/**
 * What a smoke journey printed: `ok NAME`, `not ok NAME`, `skip NAME reason`. Its exit code must agree.
 * @param {string} file
 * @param {string} output
 * @param {number} exitCode
 * @returns {Counts}
 */
export function countSmoke(file, output, exitCode) {
  const counts = noCounts();
  for (const line of output.split("\n")) {
    const [, word, name = ""] = /^(ok|not ok|skip)\s+(.+?)\s*$/.exec(line) ?? [];
    if (word === "ok") counts.passed++;
    else if (word === "not ok") {
      counts.failed++;
      counts.failures.push(`${file} > ${name}`);
    } else if (word === "skip") {
      counts.skipped++;
      counts.skips.push(`${file} > ${name}`);
    }
  }
  const tail = indent(output.trimEnd().split("\n").slice(-25).join("\n"));
  if (exitCode !== 0 && counts.failed === 0) return addCounts(counts, { ...noCounts(), failed: 1, failures: [`${file} ended with exit code ${exitCode}\n${tail}`] });
  if (exitCode !== 0) counts.failures.push(`${file}, the end of its output:\n${tail}`);
  if (exitCode === 0 && counts.passed + counts.failed + counts.skipped === 0) return addCounts(counts, oneFailure(`${file} reported no result`));
  return counts;
}
