/** The server's life: first start, the administrator signs in, a crash loses nothing, a second start, a clean end. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const stateDir = newState();
const PASSWORD = "Badger-sett-2026";
const EMAIL = "keeper@sett.localhost";
const env = { SETT_ADMIN_EMAIL: EMAIL, SETT_ADMIN_PASSWORD: PASSWORD, RATE_LIMITS: "off" };

/** @param {string} origin @param {string} password @returns {Promise<{ status: number, body: any }>} */
async function logIn(origin, password) {
  const response = await fetch(`${origin}/api/v1/user/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: EMAIL, password }) });
  return { status: response.status, body: await response.json() };
}

/** @param {number} pid */
const isRunning = (pid) => existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

await journey(async ({ step, cleanUp }) => {
  cleanUp(() => removeState(stateDir));
  let server = await startServer({ stateDir, env });
  cleanUp(() => server.kill());

  await step("the state folder keeps secrets private", () => {
    for (const name of [".dev.vars", "admin.json"]) assert.equal(statSync(join(stateDir, name)).mode & 0o777, 0o600, name);
    assert.ok(!readFileSync(join(stateDir, "admin.json"), "utf8").includes(PASSWORD), "a password from the environment is not written down");
    assert.ok(!server.output().includes(PASSWORD));
  });

  let token = "";
  await step("the seeded administrator signs in", async () => {
    const { status, body } = await logIn(server.origin, PASSWORD);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.user_profile.account_verified, true);
    token = body.access_token;
    assert.equal((await logIn(server.origin, "wrong-Password-1")).status, 401);
  });

  await step("console, documents and API share the port", async () => {
    const page = await fetch(`${server.origin}/`, { headers: { accept: "text/html" } });
    assert.match(await page.text(), /<div id=/);
    const api = await fetch(`${server.origin}/`, { headers: { accept: "application/json" } });
    assert.match(api.headers.get("content-type") ?? "", /json/);
    const document = /** @type {any} */ (await (await fetch(`${server.origin}/openapi.json`)).json());
    assert.equal(document.openapi, "3.1.0");
    assert.ok(document.paths["/api/v1/user/login"]);
    assert.equal((await fetch(`${server.origin}/docs/`)).status, 200);
  });

  await step("a second server on the same state folder refuses", async () => {
    await assert.rejects(startServer({ stateDir, env }), /Another Sett server/);
  });

  await step("a server on a taken port says what to do", async () => {
    const other = newState();
    await assert.rejects(startServer({ stateDir: other, port: server.port, env }), /Port \d+ .*in use/);
    removeState(other);
  });

  /** @type {string[]} */
  const answered = [];
  await step("what was answered before a crash is there after it", async () => {
    const runtime = server.runtimePid();
    const crash = new AbortController();
    const writing = (async () => {
      for (let serial = 0; !crash.signal.aborted; serial++) {
        const name = `crash-${serial}`;
        const response = await fetch(`${server.origin}/api/v1/user/cli-tokens`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ name }),
        }).catch(() => null);
        if (!response) return;
        if (response.ok) answered.push(name);
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await server.kill();
    crash.abort();
    await writing;
    assert.ok(answered.length > 0, "nothing was written before the crash");
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (process.platform === "linux") assert.equal(isRunning(runtime), false, "the runtime outlived its server");
    server = await startServer({ stateDir, env });
    const { body } = await logIn(server.origin, PASSWORD);
    token = body.access_token;
    const list = /** @type {any} */ (await (await fetch(`${server.origin}/api/v1/user/cli-tokens`, { headers: { authorization: `Bearer ${token}` } })).json());
    const names = new Set((Array.isArray(list) ? list : (list.tokens ?? list.items)).map((/** @type {{ name: string }} */ row) => row.name));
    assert.deepEqual(answered.filter((name) => !names.has(name)), []);
  });

  await step("the server ends cleanly and leaves no lock", async () => {
    const runtime = server.runtimePid();
    assert.equal(await server.stop(), 0);
    assert.ok(!existsSync(join(stateDir, "lock.json")));
    if (process.platform === "linux") assert.equal(isRunning(runtime), false);
  });

  await step("a changed password of the environment is applied", async () => {
    server = await startServer({ stateDir, env: { ...env, SETT_ADMIN_PASSWORD: "Another-sett-2027" } });
    assert.equal((await logIn(server.origin, PASSWORD)).status, 401);
    assert.equal((await logIn(server.origin, "Another-sett-2027")).status, 200);
    assert.equal(await server.stop(), 0);
  });

  await step("wrangler agrees that no migration is left", () => {
    const wrangler = join(process.cwd(), "node_modules/wrangler/bin/wrangler.js");
    const { stdout } = spawnSync(process.execPath, [wrangler, "d1", "migrations", "list", "DB", "--local", "--persist-to", stateDir], { encoding: "utf8", env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" } });
    assert.match(stdout, /No migrations to apply/);
  });
});
