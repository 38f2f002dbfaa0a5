/** `npm run check`: everything that can be known without running the product. Parts run side by side; each reports once. */
import { availableParallelism } from "node:os";
import { existsSync, mkdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildWorker } from "./build.mjs";
import { inRoot, TOOLS } from "./lib/paths.mjs";
import { createReporter, dim, formatDuration, green, red } from "./lib/reporter.mjs";
import { quietEnv, run } from "./lib/run.mjs";

/** @typedef {{ ok: boolean, text: string, note?: string }} Verdict */
/** @typedef {{ name: string, work: () => Promise<Verdict> }} Check */

const PROJECTS = [".", "web", "cli", "test", "scripts"];

/** @param {readonly string[]} args @returns {() => Promise<Verdict>} */
const tool = (args) => async () => {
  const { code, output } = await run(process.execPath, args, { env: { ...quietEnv(), NODE_NO_WARNINGS: "1" } });
  return { ok: code === 0, text: output.trim() };
};

/** @param {string[]} faults @param {string} [note] @returns {Verdict} */
const verdict = (faults, note) => ({ ok: faults.length === 0, text: faults.join("\n"), ...(note === undefined ? {} : { note }) });

/** @returns {Check[]} slowest first, so that the end is even */
function listChecks() {
  const cruised = ["src", "durable-objects", "web/src", "cli/src", "clients", "scripts", "test", "bench"].filter((path) => existsSync(inRoot(path)));
  return [
    ...PROJECTS.map((project) => ({ name: `types ${project === "." ? "worker" : project}`, work: tool([TOOLS.tsc, "-p", project, "--pretty", "false"]) })),
    { name: "unused code (knip)", work: tool([TOOLS.knip, "--no-progress", "--no-config-hints"]) },
    { name: "import rules", work: tool([TOOLS.depcruise, "--config", ".dependency-cruiser.cjs", "--output-type", "err", ...cruised]) },
    { name: "OpenAPI drift", work: tool([TOOLS.tsx, "scripts/build-openapi.ts", "--check"]) },
    { name: "migrations", work: async () => verdict(await (await import("./checks/migrations.mjs")).checkMigrations()) },
    { name: "package-lock", work: async () => verdict((await import("./checks/lockfile.mjs")).checkLockfile()) },
    { name: "lint (oxlint)", work: tool([TOOLS.oxlint, "--quiet", "--format", "unix"]) },
    {
      name: "bundle",
      work: async () => {
        await buildWorker(silent);
        const { faults, note } = await (await import("./checks/bundle.mjs")).checkBundle();
        return verdict(faults, note);
      },
    },
  ];
}

/** Builds of a check are part of its time, not of its report. */
const silent = { ...createReporter(), step: (/** @type {string} */ _name, /** @type {() => Promise<any>} */ work) => work() };

/**
 * Runs all checks.
 * @returns {Promise<{ name: string, ok: boolean, text: string }[]>}
 */
export async function runChecks() {
  mkdirSync(inRoot(".cache"), { recursive: true });
  const waiting = listChecks();
  /** @type {{ name: string, ok: boolean, text: string }[]} */
  const results = [];
  const lane = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const startedAt = performance.now();
      const { ok, text, note } = await check.work().catch((error) => ({ ok: false, text: error instanceof Error ? error.message : String(error), note: undefined }));
      process.stdout.write(`${ok ? green("✓") : red("✗")} ${check.name}${note ? ` (${note})` : ""} ${dim(formatDuration(performance.now() - startedAt))}\n`);
      results.push({ name: check.name, ok, text });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, Math.max(2, availableParallelism())) }, lane));
  return results;
}

async function main() {
  const reporter = createReporter();
  await bootstrap(reporter);
  const startedAt = performance.now();
  const results = await runChecks();
  const failed = results.filter(({ ok }) => !ok);
  for (const { name, text } of failed) process.stdout.write(`\n${red(name)}\n${text.split("\n").slice(0, 80).join("\n")}\n`);
  process.stdout.write(`\n${results.length - failed.length} of ${results.length} checks passed in ${formatDuration(performance.now() - startedAt)}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main().catch((error) => {
    createReporter().fail(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
