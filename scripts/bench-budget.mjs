/**
 * `npm run bench:budget`: reservations and settlements per second of the ledger (BudgetDO), of the obvious ledgers in D1, and of the whole
 * product over HTTP, in turns within one run. Options: --calls 2000 (per way, over all rounds), --callers 50 (at once), --url ORIGIN and
 * --token TOKEN (a running local server with `RATE_LIMITS=off` and its `OPENCRANE_API_TOKEN`; default: one is started), --no-product, --json.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { inRoot } from "./lib/paths.mjs";
import { createReporter } from "./lib/reporter.mjs";

const { values: flags } = parseArgs({
  options: {
    calls: { type: "string", default: "2000" },
    callers: { type: "string", default: "50" },
    url: { type: "string" },
    token: { type: "string" },
    "no-product": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const reporter = createReporter({ json: flags.json });
const ROUNDS = 5;
const BASELINE = "read, then guarded update in D1";
const LIMIT_MICROS = 1e15;

/** @typedef {import("../bench/budget/load.mjs").Way} Way */

/** @param {string} path a path of the bare worker @returns {{ reserve: Way["reserve"], settle: Way["settle"] }} */
const bare = (path) => ({ reserve: (call) => ({ path: `/${path}/reserve`, body: call }), settle: (call) => ({ path: `/${path}/settle`, body: call }) });

/** The ledgers without a product around them. */
async function startPlatform() {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ entryPoints: [inRoot("bench/budget/worker.mjs")], bundle: true, format: "esm", target: "es2023", external: ["cloudflare:workers"], write: false, logLevel: "silent" });
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
          name: "ledgers",
          modules: true,
          script: outputFiles[0]?.text ?? "",
          scriptPath: "ledgers.mjs",
          compatibilityDate: "2026-11-01",
          durableObjects: { BUDGET_DO: { className: "BudgetDO", useSQLite: true } },
          d1Databases: { DB: "ledgers" },
          queueProducers: { JOBS: "jobs" },
          queueConsumers: { jobs: { maxBatchTimeout: 1 } },
        },
      ],
    }),
  );
  return { origin: (await platform.ready).origin, stop: () => platform.dispose() };
}

/** The whole product on a state of its own. @returns {Promise<{ origin: string, token: string, stop: () => Promise<void> }>} */
async function startProduct() {
  await (await import("./build.mjs")).buildWorker(reporter);
  const [{ startChild }, { createScratch }] = await Promise.all([import("../bench/servers/child.mjs"), import("../bench/lib/scratch.mjs")]);
  const scratch = createScratch();
  process.on("exit", scratch.remove);
  const token = randomBytes(24).toString("base64url");
  const { ready, stop } = await startChild({
    args: [inRoot("scripts/start.mjs"), "--json", "--no-build"],
    env: { SETT_STATE_DIR: join(scratch.path, "state"), PORT: "0", HOST: "127.0.0.1", SETT_VMS: "off", RATE_LIMITS: "off", OPENCRANE_API_TOKEN: token },
    timeoutMs: 300_000,
    isReady: (line) => (line.startsWith('{"event":"ready"') ? String(JSON.parse(line).url) : null),
  });
  return { origin: `http://127.0.0.1:${new URL(ready).port}`, token, stop };
}

/** @param {string} origin @param {string} token @returns {Way} */
const productWay = (origin, token) => ({
  name: "whole product over HTTP",
  origin,
  headers: { authorization: `Bearer ${token}` },
  reserve: ({ id, amount, userId }) => ({ path: "/api/v1/ai-budget/reservations", body: { id, amountUsd: amount / 1e6, userId } }),
  settle: ({ id, cost }) => ({ path: `/api/v1/ai-budget/reservations/${id}/settle`, body: { costUsd: cost / 1e6, model: "m", inputTokens: 1, outputTokens: 1 } }),
});

/** @param {string} name @param {string | undefined} text */
function readCount(name, text) {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000) throw new Error(`--${name} must be a whole number from 1 to 1000000.`);
  return count;
}

async function main() {
  const [calls, callers] = [readCount("calls", flags.calls), readCount("callers", flags.callers)];
  if (flags.url !== undefined && flags.token === undefined) throw new Error("--url needs --token, the OPENCRANE_API_TOKEN of that server.");
  await bootstrap(reporter);
  const [{ runRound, sumRounds }, { renderTable, short }] = await Promise.all([import("../bench/budget/load.mjs"), import("../bench/lib/table.mjs")]);
  /** @type {(() => unknown)[]} */
  const stops = [];
  try {
    const platform = await startPlatform();
    stops.push(platform.stop);
    const begun = await fetch(`${platform.origin}/begin?limit=${LIMIT_MICROS}`);
    if (!begun.ok) throw new Error(`the ledgers did not begin: ${begun.status} ${(await begun.text()).slice(0, 300)}`);
    /** @type {Way[]} */
    const ways = [{ name: BASELINE, origin: platform.origin, ...bare("naive") }, { name: "conditional updates in D1", origin: platform.origin, ...bare("conditional") }, { name: "BudgetDO", origin: platform.origin, ...bare("object") }];
    if (flags.url !== undefined) ways.push(productWay(new URL(flags.url).origin, flags.token ?? ""));
    else if (!flags["no-product"]) {
      const product = await reporter.step("local server started", startProduct);
      stops.push(product.stop);
      ways.push(productWay(product.origin, product.token));
    }
    const run = randomBytes(4).toString("hex");
    const perRound = Math.max(callers, Math.ceil(calls / ROUNDS));
    // Rounds of all ways in turn, so that a slow moment of the machine meets each of them; the first warms up.
    /** @type {Map<string, import("../bench/budget/load.mjs").Round[]>} */
    const rounds = new Map(ways.map(({ name }) => [name, []]));
    for (const way of ways) await runRound(way, { calls: callers, callers, round: `${run}-warm` });
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) rounds.get(way.name)?.push(await runRound(way, { calls: perRound, callers, round: `${run}-${round}` }));
    }
    const results = [...rounds].map(([name, some]) => ({ name, ...sumRounds(some) }));
    const base = results.find(({ name }) => name === BASELINE)?.perSecond ?? Number.NaN;
    const rows = results.map((result) => ({ ...result, ratio: result.perSecond / base }));
    if (flags.json) process.stdout.write(`${JSON.stringify({ calls: perRound * ROUNDS, callers, rounds: ROUNDS, rows })}\n`);
    else {
      const lines = rows.map(({ name, perSecond, reserveP50, reserveP95, settleP50, settleP95, retries, failed, ratio }) => [name, short(perSecond), short(reserveP50), short(reserveP95), short(settleP50), short(settleP95), String(retries), String(failed), ratio.toFixed(2)]);
      process.stdout.write(`${renderTable(["ledger", "calls/s", "reserve p50 ms", "p95", "settle p50 ms", "p95", "lost races", "failed", "× naive"], lines)}\n${perRound * ROUNDS} calls per way in ${ROUNDS} rounds, ${callers} callers at once; a call is a reservation in three accounts (two in the product) and its settlement\n`);
    }
  } finally {
    for (const stop of stops) await stop();
  }
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(130));
main().then(
  () => process.exit(0),
  (error) => {
    reporter.fail(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
