/**
 * `npm run bench:admin`: every list of administrators on a seeded database, in all its ways, against the bar: at most two queries, and at most
 * 200 rows read per row shown. Ends with 1 when a list breaks it.
 *
 * Options: --users 10000, --machines 50000, --bots 200000 (of the seed), --state DIR (a seeded folder; default: made once below .cache), --json.
 * The server works on a copy, on loopback; the copy is removed.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./lib/bootstrap.mjs";
import { inRoot } from "./lib/paths.mjs";
import { createReporter, dim, red } from "./lib/reporter.mjs";
import { lockStateDir } from "./lib/state-dir.mjs";

const { values: flags } = parseArgs({
  options: {
    users: { type: "string", default: "10000" },
    machines: { type: "string", default: "50000" },
    bots: { type: "string", default: "200000" },
    state: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const reporter = createReporter({ json: flags.json });

/** @typedef {import("../bench/admin/measure.mjs").Measured & { naiveRead: number | null, naiveMs: number | null }} Row */

/** @param {string} stateDir @returns {Promise<{ origin: string, stop: () => Promise<void> }>} */
async function startServer(stateDir) {
  const { startChild } = await import("../bench/servers/child.mjs");
  const { ready, stop } = await startChild({
    args: [inRoot("scripts/start.mjs"), "--json", "--no-build"],
    env: { SETT_STATE_DIR: stateDir, PORT: "0", HOST: "127.0.0.1", SETT_VMS: "off", RATE_LIMITS: "off", D1_TALLY: "on" },
    isReady: (line) => (line.startsWith('{"event":"ready"') ? String(JSON.parse(line).url) : null),
  });
  return { origin: `http://127.0.0.1:${new URL(ready).port}`, stop };
}

/** @param {string} origin @returns {Promise<string>} an access token */
async function signIn(origin) {
  const { SEED_ADMIN, SEED_PASSWORD } = await import("./lib/seed/index.mjs");
  const response = await fetch(`${origin}/api/v1/admin/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: SEED_ADMIN, password: SEED_PASSWORD }) });
  const body = /** @type {any} */ (await response.json());
  if (!response.ok) throw new Error(`the seeded administrator cannot sign in: ${response.status} ${JSON.stringify(body).slice(0, 300)}`);
  return body.access_token;
}

/** Measures the lists on a server, then the obvious queries on the same rows. @param {string} stateDir @returns {Promise<Row[]>} */
async function measureAll(stateDir) {
  const [{ withDatabase }, { readSamples }, { findLists }, { measureLists }, { readNaively }] = await Promise.all([import("./lib/platform.mjs"), import("../bench/admin/samples.mjs"), import("../bench/admin/lists.mjs"), import("../bench/admin/measure.mjs"), import("../bench/admin/naive.mjs")]);
  const samples = await withDatabase(stateDir, readSamples);
  const lists = findLists(JSON.parse(readFileSync(inRoot("openapi/fleet.json"), "utf8")));
  const server = await startServer(stateDir);
  const measured = await reporter
    .step(`${lists.length} lists measured`, async () => measureLists(server.origin, await signIn(server.origin), lists, samples))
    .finally(server.stop);
  return reporter.step("obvious queries measured", () =>
    withDatabase(stateDir, async (db) => {
      /** @type {Row[]} */
      const rows = [];
      for (const row of measured) {
        const naive = await readNaively(db, row.path, row.filters, row.skipped);
        rows.push({ ...row, naiveRead: naive?.rowsRead ?? null, naiveMs: naive?.ms ?? null });
      }
      return rows;
    }),
  );
}

/** @param {readonly Row[]} rows */
async function print(rows) {
  const { renderTable, short } = await import("../bench/lib/table.mjs");
  const head = ["list", "asked for", "queries", "statements", "rows read", "shown", "read/row", "ms", "obvious reads", "× fewer", ""];
  const lines = rows.map((row) => [
    row.path.replace("/api/v1/admin/", ""), row.variant, String(row.queries), String(row.statements), String(row.rowsRead), String(row.shown), short(row.perRow), row.ms.toFixed(1),
    row.naiveRead === null ? "–" : String(row.naiveRead), row.naiveRead === null ? "–" : short(row.naiveRead / Math.max(1, row.rowsRead)), row.faults.join("; "),
  ]);
  const [title = "", rule = "", ...table] = renderTable(head, lines).split("\n");
  process.stdout.write(`\n${title}\n${rule}\n`);
  for (const [index, line] of table.entries()) process.stdout.write(`${(rows[index]?.faults.length ?? 0) > 0 ? red(line) : line}\n`);
}

async function main() {
  await bootstrap(reporter);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(130));
  const sizes = { users: Number(flags.users), machines: Number(flags.machines), bots: Number(flags.bots) };
  await (await import("./build.mjs")).buildWorker(reporter);
  const [{ seededState }, { createScratch, OUT_DIR }] = await Promise.all([import("../bench/admin/state.mjs"), import("../bench/lib/scratch.mjs")]);
  const seeded = flags.state === undefined ? await seededState(sizes, { say: (text) => reporter.info(text.trim()) }) : resolve(flags.state);

  const scratch = createScratch();
  process.on("exit", scratch.remove);
  const stateDir = join(scratch.path, "state");
  const unlock = lockStateDir(seeded);
  try {
    cpSync(seeded, stateDir, { recursive: true, filter: (path) => !path.endsWith("lock.json") });
  } finally {
    unlock();
  }
  const rows = await measureAll(stateDir);
  const broken = rows.filter(({ faults }) => faults.length > 0);
  mkdirSync(OUT_DIR, { recursive: true });
  writeFileSync(join(OUT_DIR, "admin.json"), `${JSON.stringify({ at: new Date().toISOString(), sizes, rows }, null, 2)}\n`);
  if (flags.json) process.stdout.write(`${JSON.stringify({ sizes, rows, broken: broken.length })}\n`);
  else {
    await print(rows);
    process.stdout.write(`\n  ${rows.length} ways to ask ${new Set(rows.map(({ path }) => path)).size} lists; ${broken.length === 0 ? "all keep the bar" : red(`${broken.length} break the bar`)}: at most 2 queries and 200 rows read per row shown\n  ${dim(`numbers in ${join(OUT_DIR, "admin.json")}`)}\n`);
  }
  process.exit(broken.length > 0 ? 1 : 0);
}

main().catch((error) => {
  reporter.fail(error instanceof Error ? error.message : String(error));
  if (process.env["DEBUG"]) console.error(error);
  process.exit(2);
});
