/** A seeded state folder: it is filled once, people sign in on it, and the benchmark of administrators' lists counts on it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { SEED_ADMIN, SEED_PASSWORD } from "../../scripts/lib/seed/index.mjs";

const stateDir = newState();
const SIZES = ["--users", "40", "--machines", "120", "--bots", "400"];

/** @param {string} script @param {readonly string[]} args @param {Record<string, string>} [env] */
const run = (script, args, env = {}) => spawnSync(process.execPath, [inRoot("scripts", script), ...args], { encoding: "utf8", env: { ...process.env, ...env } });

await journey(async ({ step, cleanUp }) => {
  cleanUp(() => removeState(stateDir));

  await step("an environment that is not local is never seeded", () => {
    const { status, stderr, stdout } = run("seed.mjs", [...SIZES, "--state", stateDir], { ENVIRONMENT: "production" });
    assert.equal(status, 1);
    assert.match(stderr + stdout, /Only a local environment/);
  });

  await step("the seed fills a folder", () => {
    const { status, stdout, stderr } = run("seed.mjs", [...SIZES, "--state", stateDir, "--json"]);
    assert.equal(status, 0, stderr + stdout);
    const seeded = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
    assert.equal(seeded.event, "seeded");
    assert.deepEqual([seeded.tables.users, seeded.tables.instances, seeded.tables.bots], [40, 120, 400]);
  });

  await step("a folder is filled once", () => {
    const { status, stderr } = run("seed.mjs", [...SIZES, "--state", stateDir]);
    assert.equal(status, 1);
    assert.match(stderr, /holds seeded rows already/);
  });

  await step("lists of administrators are counted and judged", () => {
    const { status, stdout, stderr } = run("bench-admin.mjs", ["--state", stateDir, "--json"]);
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
    assert.ok(report.rows?.length > 60, stderr + stdout.slice(-2_000));
    // So small a world proves nothing about the bar, which is for large ones; the judgement and the exit code must agree.
    assert.equal(report.broken, report.rows.filter((/** @type {any} */ row) => row.faults.length > 0).length);
    assert.equal(status, report.broken > 0 ? 1 : 0, stderr);
    assert.deepEqual(report.rows.filter((/** @type {any} */ row) => row.queries > 2), []);
    const users = report.rows.find((/** @type {any} */ row) => row.path === "/api/v1/admin/users" && row.variant === "all");
    assert.ok(users.shown > 30 && users.rowsRead >= users.shown && users.queries >= 1, JSON.stringify(users));
    assert.ok(users.naiveRead >= 40, JSON.stringify(users));
  });

  const server = await startServer({ stateDir, env: { RATE_LIMITS: "off" } });
  cleanUp(() => server.kill());

  await step("seeded people sign in", async () => {
    const response = await fetch(`${server.origin}/api/v1/user/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: SEED_ADMIN, password: SEED_PASSWORD }) });
    assert.equal(response.status, 200, await response.text());
    assert.equal(response.headers.get("x-d1-tally"), null, "only benchmarks are told what an answer cost");
  });

  await step("a folder whose server runs is left alone", () => {
    const { status, stderr } = run("seed.mjs", [...SIZES, "--state", stateDir]);
    assert.equal(status, 1);
    assert.match(stderr, /Another Sett server/);
  });
});
