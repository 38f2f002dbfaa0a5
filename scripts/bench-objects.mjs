/**
 * `npm run bench:objects`: what one call to a Durable Object costs by native RPC, by `fetch` with JSON, and through itty-durable,
 * in one workerd process, warm. Options: --calls 20000 (per way, over all rounds), --json.
 */
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { inRoot } from "./lib/paths.mjs";
import { createReporter } from "./lib/reporter.mjs";

const { values: flags } = parseArgs({ options: { calls: { type: "string", default: "20000" }, json: { type: "boolean", default: false } } });
const reporter = createReporter({ json: flags.json });
const ROUNDS = 10;
const BASELINE = "native RPC, stub reused";

/** @typedef {{ way: string, medianUs: number, minUs: number, maxUs: number, ratio: number }} Row */

/** The worker as one module; its platform imports stay. @returns {Promise<string>} */
async function bundleWorker() {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ entryPoints: [inRoot("bench/objects/worker.mjs")], bundle: true, format: "esm", target: "es2023", external: ["cloudflare:workers"], write: false, logLevel: "silent" });
  return outputFiles[0]?.text ?? "";
}

/** @param {string} script */
async function startPlatform(script) {
  const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = await import("miniflare");
  const platform = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      logRequests: false,
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      host: "127.0.0.1",
      port: 0,
      workers: [
        {
          name: "objects",
          modules: true,
          script,
          scriptPath: "objects.mjs",
          compatibilityDate: "2026-11-01",
          durableObjects: { NATIVE: { className: "NativeDO", useSQLite: true }, ITTY: { className: "IttyDO", useSQLite: true } },
        },
      ],
    }),
  );
  return { platform, origin: (await platform.ready).origin };
}

/** @param {string} url */
async function getJson(url) {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`the worker answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** Rounds of all ways in turn, so that a slow moment of the machine meets each of them. @param {string} origin @param {number} calls @returns {Promise<Map<string, number[]>>} microseconds per call */
async function measure(origin, calls) {
  /** @type {string[]} */
  const ways = await getJson(`${origin}/`);
  /** @type {Map<string, number[]>} */
  const rounds = new Map(ways.map((way) => [way, []]));
  const perRound = Math.max(50, Math.ceil(calls / ROUNDS));
  const url = (/** @type {string} */ way, /** @type {number} */ count) => `${origin}/?way=${encodeURIComponent(way)}&calls=${count}`;
  for (const way of ways) await getJson(url(way, perRound));
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ways) {
      const startedAt = performance.now();
      const { counted } = await getJson(url(way, perRound));
      const ms = performance.now() - startedAt;
      if (counted !== perRound) throw new Error(`${way}: ${counted} calls arrived instead of ${perRound}`);
      rounds.get(way)?.push((ms * 1_000) / (perRound + 1));
    }
  }
  return rounds;
}

async function main() {
  const calls = Number(flags.calls);
  if (!Number.isInteger(calls) || calls < 1 || calls > 1_000_000) throw new Error("--calls must be a whole number from 1 to 1000000.");
  await bootstrap(reporter);
  const [{ median, spread }, { renderTable }] = await Promise.all([import("../bench/lib/stats.mjs"), import("../bench/lib/table.mjs")]);
  const { platform, origin } = await startPlatform(await bundleWorker());
  try {
    const rounds = await measure(origin, calls);
    const base = median(rounds.get(BASELINE) ?? []);
    /** @type {Row[]} */
    const rows = [...rounds].map(([way, values]) => {
      const { min, max } = spread(values);
      return { way, medianUs: median(values), minUs: min, maxUs: max, ratio: median(values) / base };
    });
    if (flags.json) process.stdout.write(`${JSON.stringify({ calls, rounds: ROUNDS, rows })}\n`);
    else {
      const us = (/** @type {number} */ value) => value.toFixed(1);
      const lines = rows.map(({ way, medianUs, minUs, maxUs, ratio }) => [way, us(medianUs), us(minUs), us(maxUs), ratio.toFixed(2)]);
      process.stdout.write(`${renderTable(["call", "µs median", "µs min", "µs max", "× native"], lines)}\n${calls} calls per way in ${ROUNDS} rounds, one warm object, inside one request per round\n`);
    }
  } finally {
    await platform.dispose();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    reporter.fail(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
