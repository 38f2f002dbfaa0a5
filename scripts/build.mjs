/**
 * Builds what start, test, deploy and the benchmarks need. Each part is rebuilt when the content of its inputs changed.
 * As a command: `node scripts/build.mjs [openapi|web|cli|worker …]`.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bootstrap } from "./lib/bootstrap.mjs";
import { hashInputs } from "./lib/content-hash.mjs";
import { inRoot, ROOT, TOOLS } from "./lib/paths.mjs";
import { createReporter } from "./lib/reporter.mjs";
import { CommandFailed, run, runNode } from "./lib/run.mjs";

/** @typedef {import("./lib/reporter.mjs").Reporter} Reporter */
/**
 * @typedef {object} Part
 * @property {string} title
 * @property {readonly string[]} inputs files and folders whose content decides
 * @property {readonly string[]} outputs must exist, or the part is stale
 * @property {() => Promise<void>} make
 */

/** A family is a folder of src/ with its own way to render failures. */
const FAMILIES = readdirSync(inRoot("src")).filter((name) => existsSync(inRoot(`src/${name}/wire.ts`)));

const COMMON = ["package-lock.json", "scripts/build.mjs", "tsconfig.base.json"];

/** @type {Record<"openapi" | "web" | "cli" | "package" | "worker", Part>} */
const PARTS = {
  openapi: {
    title: "OpenAPI document and client types",
    inputs: [...COMMON, "src", "scripts/build-openapi.ts", "scripts/openapi", "openapi", "clients"],
    outputs: FAMILIES.flatMap((family) => [`openapi/${family}.json`, `clients/${family}.gen.ts`]),
    make: async () => {
      await runNode("openapi", [TOOLS.tsx, inRoot("scripts/build-openapi.ts")]);
    },
  },
  web: {
    title: "console",
    inputs: [...COMMON, "web", "clients", "openapi"],
    outputs: ["web/dist/index.html", ...FAMILIES.map((family) => `web/dist/openapi/${family}.json`)],
    make: async () => {
      await runNode("vite build web", [TOOLS.vite, "build", "web", "--logLevel", "warn"]);
      copyOpenapi();
    },
  },
  cli: {
    title: "command line",
    inputs: [...COMMON, "cli", "clients"],
    outputs: ["cli/dist/sett.mjs"],
    make: async () => {
      await runNode("cli build", [inRoot("cli/build.mjs")]);
    },
  },
  package: {
    title: "command line as a package to install from this server",
    inputs: [...COMMON, "cli", "clients"],
    outputs: ["web/dist/cli/sett-cli.tgz"],
    make: async () => {
      const folder = inRoot("web/dist/cli");
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      const packed = await run(process.platform === "win32" ? "npm.cmd" : "npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: inRoot("cli") });
      if (packed.code !== 0) throw new CommandFailed("npm pack", packed);
      for (const name of readdirSync(folder)) renameSync(join(folder, name), join(folder, "sett-cli.tgz"));
    },
  },
  worker: {
    title: "worker bundle",
    inputs: [...COMMON, "src", "durable-objects", "wrangler.toml", "tsconfig.json"],
    outputs: ["dist/worker.js"],
    make: async () => {
      rmSync(inRoot("dist"), { recursive: true, force: true });
      mkdirSync(inRoot("web/dist"), { recursive: true });
      await runNode("worker bundle", [TOOLS.wrangler, "deploy", "--dry-run", "--outdir", inRoot("dist")]);
    },
  },
};

/** Puts the document where the assets binding finds it. */
function copyOpenapi() {
  mkdirSync(inRoot("web/dist/openapi"), { recursive: true });
  for (const family of FAMILIES) copyFileSync(inRoot(`openapi/${family}.json`), inRoot(`web/dist/openapi/${family}.json`));
}

/** @param {string} name */
const stampOf = (name) => inRoot(".cache/build", `${name}.sha256`);

/** @param {string} name @param {Part} part */
function isFresh(name, part) {
  if (!part.outputs.every((path) => existsSync(inRoot(path))) || !existsSync(stampOf(name))) return false;
  return readFileSync(stampOf(name), "utf8") === hashInputs(ROOT, part.inputs);
}

/** @param {keyof typeof PARTS} name @param {Reporter} reporter @param {{ force?: boolean }} [options] */
async function build(name, reporter, { force = false } = {}) {
  const part = PARTS[name];
  if (!force && isFresh(name, part)) return false;
  rmSync(stampOf(name), { force: true });
  await reporter.step(`built: ${part.title}`, part.make);
  mkdirSync(inRoot(".cache/build"), { recursive: true });
  // Hashed afterwards, because the OpenAPI step's inputs include what it writes.
  writeFileSync(stampOf(name), hashInputs(ROOT, part.inputs));
  return true;
}

/** @typedef {(reporter: Reporter, options?: { force?: boolean }) => Promise<boolean>} Build whether anything had to be built */
/** @type {Build} */
export const buildOpenapi = (reporter, options) => build("openapi", reporter, options);
/** @type {Build} */
export const buildWeb = (reporter, options) => build("web", reporter, options);
/** @type {Build} */
export const buildCli = (reporter, options) => build("cli", reporter, options);
/** @type {Build} Needs the command line and the console, whose folder it lies in. */
const buildPackage = (reporter, options) => build("package", reporter, options);
/** @type {Build} */
export const buildWorker = (reporter, options) => build("worker", reporter, options);

/** Everything, in the order that dependencies ask for. @param {Reporter} reporter @param {{ force?: boolean }} [options] */
export async function buildAll(reporter, options) {
  // The web build needs the document; the others do not care.
  const rest = Promise.all([buildWorker(reporter, options), buildCli(reporter, options)]);
  const web = buildOpenapi(reporter, options).then(() => buildWeb(reporter, options));
  const outcomes = await Promise.allSettled([rest, web]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  await buildPackage(reporter, options);
}

async function main() {
  const reporter = createReporter();
  await bootstrap(reporter);
  const names = process.argv.slice(2);
  if (names.length === 0) return buildAll(reporter, { force: true });
  for (const name of names) {
    if (!(name in PARTS)) throw new Error(`unknown part "${name}"; there are ${Object.keys(PARTS).join(", ")}`);
    await build(/** @type {keyof typeof PARTS} */ (name), reporter, { force: true });
    // The console's build empties the folder that the package lies in.
    if (name === "web") await buildPackage(reporter, { force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main().catch((error) => {
    createReporter().fail(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
