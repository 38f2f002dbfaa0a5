/** The worker bundle: small enough, and nothing on the heartbeat's way loads the schema library or the payment library. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { inRoot, ROOT } from "../lib/paths.mjs";

/** Most gzipped bytes of everything that is uploaded: under a third of what the free plan takes, so that a fat dependency is noticed. Features evaluate late, so size is no start-up time. */
const MAX_GZIP_BYTES = 900 * 1024;
/** Modules that run on every request, the heartbeat's among them. */
const HOT_ENTRIES = ["src/app.ts", "src/hot-path.ts"];
const DEFERRED = ["zod", "stripe"].map((name) => ({ name, pattern: new RegExp(`(^|/)node_modules/${name}/`) }));

/** @typedef {Record<string, { imports: { path: string, kind: string, external?: boolean }[] }>} ModuleGraph */

/** @returns {Promise<{ faults: string[], note: string }>} */
export async function checkBundle() {
  const files = readdirSync(inRoot("dist")).filter((name) => name.endsWith(".js") || name.endsWith(".wasm"));
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(inRoot("dist", name))).length, 0);
  const faults = bytes > MAX_GZIP_BYTES ? [`the bundle is ${kib(bytes)} gzipped, more than ${kib(MAX_GZIP_BYTES)}`] : [];
  for (const entry of HOT_ENTRIES) {
    if (!existsSync(inRoot(entry))) faults.push(`${entry} is missing`);
    else faults.push(...findEagerImports(await moduleGraph(entry), entry));
  }
  return { faults, note: `${kib(bytes)} gzipped` };
}

/** @param {number} bytes */
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;

/** @param {string} entry @returns {Promise<ModuleGraph>} */
async function moduleGraph(entry) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    outdir: ".cache/hot",
    splitting: true,
    external: ["cloudflare:*", "node:*", "*.wasm"],
    logLevel: "silent",
  });
  return metafile.inputs;
}

/**
 * Ways from `entry` to a deferred library by static imports alone.
 * @param {ModuleGraph} graph
 * @param {string} entry
 */
export function findEagerImports(graph, entry) {
  /** @type {Map<string, string | null>} */
  const cameFrom = new Map([[entry, null]]);
  const queue = [entry];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const hit = DEFERRED.find(({ pattern }) => pattern.test(/** @type {string} */ (at)));
    if (hit) return [`${entry} loads ${hit.name} before it is needed: ${wayTo(cameFrom, at).join(" → ")}`];
    for (const { path, kind, external } of graph[at]?.imports ?? []) {
      if (external || kind === "dynamic-import" || cameFrom.has(path)) continue;
      cameFrom.set(path, at);
      queue.push(path);
    }
  }
  return [];
}

/** @param {Map<string, string | null>} cameFrom @param {string} end */
function wayTo(cameFrom, end) {
  const way = [end];
  for (let at = cameFrom.get(end); at; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
