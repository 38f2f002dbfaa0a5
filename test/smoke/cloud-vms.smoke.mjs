/**
 * Cloud machines for real, on one computer: `npm start` brings its own provider, whose machines are processes. One is made, boots, installs our
 * daemon from this server, registers and beats; it is restarted and destroyed; it outlives its server as a disk does a power cut, and
 * no process outlives the server, however that ends. Times are printed beside their bars, never asserted.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const PERSON = { name: "Ada Badger", email: "ada@example.org", username: "adabadger", password: "correct horse battery" };
const LLM_KEY = "sk-or-very-secret-key-of-ada";
const BASE = "/api/v1/openclaw/cloud-vm";

/** Pids of live processes that belong to machines of this server: the folder is in their environment or command line. @param {string} folder */
function processesBelow(folder) {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return [];
      return `${readFileSync(`/proc/${name}/cmdline`, "utf8")}\0${readFileSync(`/proc/${name}/environ`, "utf8")}`.includes(folder) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Waits for a truthy answer. @template T @param {string | (() => string)} what @param {() => Promise<T> | T} look @param {number} [limitMs] @returns {Promise<T>} */
async function until(what, look, limitMs = 60_000) {
  for (const end = Date.now() + limitMs; ; ) {
    const value = await look();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never happened: ${typeof what === "string" ? what : what()}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** @param {string} what @param {number} since @param {string} bar */
const tellTime = (what, since, bar) => process.stdout.write(`   ${what}: ${((Date.now() - since) / 1000).toFixed(1)} s (bar ${bar})\n`);

await journey(async ({ step, skip, cleanUp }) => {
  if (process.platform !== "linux") return skip("cloud machines as processes", "looks at /proc");
  const stateDir = newState();
  const folder = join(stateDir, "vms");
  cleanUp(() => removeState(stateDir));
  const env = { RATE_LIMITS: "off", SETT_ADMIN_EMAIL: ADMIN.email, SETT_ADMIN_PASSWORD: ADMIN.password, OPERATORS_SECRET: "hunter2" };
  let server = await startServer({ stateDir, env });
  cleanUp(() => server.stop());

  let token = "";
  /** @param {string} method @param {string} path @param {{ as?: string, body?: object, status?: number }} [options] @returns {Promise<any>} */
  async function api(method, path, { as = token, body, status = 200 } = {}) {
    const headers = { "content-type": "application/json", ...(as === "" ? {} : { authorization: `Bearer ${as}` }) };
    const answer = await fetch(server.origin + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    assert.equal(answer.status, status, `${method} ${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  /** @param {{ email: string, password: string }} person @returns {Promise<string>} */
  const logIn = async ({ email, password }) => (await api("POST", "/api/v1/user/login", { as: "", body: { username: email, password } })).access_token;
  /** @param {string} instanceId @param {number} since @param {string} bar */
  async function untilOnline(instanceId, since, bar) {
    /** @type {string[]} */
    const seen = [];
    await until(() => `${instanceId} online; ${seen.join("; ")}`, async () => {
      const now = await api("GET", `${BASE}/${instanceId}/provision-status`);
      const shown = `${now.provision_status} ${now.percent} % ${now.provision_detail ?? ""}`;
      if (seen.at(-1) !== shown) seen.push(shown);
      assert.notEqual(now.provision_status, "failed", seen.join("\n"));
      return now.provision_status === "online";
    });
    tellTime(`${instanceId} beats`, since, bar);
    return seen;
  }

  await step("a person has a plan that includes a machine", async () => {
    const { email, ...rest } = PERSON;
    await api("POST", "/api/v1/user/signup", { as: "", body: { email, ...rest } });
    const mails = /** @type {{ text: string }[]} */ (await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json());
    await api("POST", "/api/v1/user/signup/verify", { as: "", body: { email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
    const admin = await logIn(ADMIN);
    const { users } = await api("GET", `/api/v1/admin/users?search=${encodeURIComponent(email)}`, { as: admin });
    const person = users.find((/** @type {{ email: string }} */ user) => user.email === email);
    await api("POST", `/api/v1/admin/users/${person.id}/subscription/upgrade`, { as: admin, body: { to_plan: "team" } });
    token = await logIn(PERSON);
    assert.equal((await api("GET", BASE)).included, 5);
  });

  let den = "";
  await step("a machine boots, installs our daemon, and beats", async () => {
    const askedAt = Date.now();
    const body = { name: "den", cpu: 1, ram: 4, llm_provider: "openrouter", llm_api_key: LLM_KEY };
    const answers = await Promise.all([api("POST", BASE, { body, status: 202 }), api("POST", BASE, { body, status: 202 })]);
    assert.equal(answers[0].instance_id, answers[1].instance_id, "a double click makes one");
    den = answers[0].instance_id;
    await untilOnline(den, askedAt, "20 s");
    assert.equal((await api("GET", BASE)).cloud_vms.length, 1);
    assert.deepEqual(readdirSync(folder).length, 1);
  });

  /** When it was last heard of, ms. @param {string} instanceId @returns {Promise<number>} */
  async function heardAt(instanceId) {
    const machines = await api("GET", "/api/v1/dashboard/machines?include_cloud=1");
    const list = Array.isArray(machines) ? machines : machines.machines;
    const machine = list.find((/** @type {Record<string, unknown>} */ one) => (one["instance_id"] ?? one["instanceId"]) === instanceId);
    assert.ok(machine, JSON.stringify(list));
    return Date.parse(machine.lastHeartbeat ?? machine.last_heartbeat);
  }

  await step("the machine is one of the fleet, and was heard of", async () => {
    assert.ok((await heardAt(den)) > Date.now() - 60_000);
  });

  await step("the model's key is where the daemon finds it, and nowhere else", () => {
    const [id = ""] = readdirSync(folder);
    assert.match(readFileSync(join(folder, id, "home/.sett/env"), "utf8"), new RegExp(LLM_KEY));
    const environments = processesBelow(folder).map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8"));
    assert.ok(environments.some((text) => text.includes(`OPENROUTER_API_KEY=${LLM_KEY}`)));
    assert.ok(!environments.some((text) => text.includes("hunter2")), "the operator's environment is not the machine's");
    for (const pid of processesBelow(folder)) assert.ok(!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(LLM_KEY));
    const log = join(stateDir, "logs/worker.log");
    for (const text of [server.output(), existsSync(log) ? readFileSync(log, "utf8") : ""]) assert.ok(!text.includes(LLM_KEY));
  });

  await step("a restart takes every process down and brings the daemon back", async () => {
    const before = processesBelow(folder);
    const askedAt = Date.now();
    await api("POST", `${BASE}/${den}/restart`, { status: 202 });
    await untilOnline(den, askedAt, "none");
    assert.deepEqual(processesBelow(folder).filter((pid) => before.includes(pid)), []);
  });

  await step("killed with its server, it leaves no process, and is back with the next one", async () => {
    const { port } = server;
    await server.kill();
    await until("no process is left", () => processesBelow(folder).length === 0, 10_000);
    const begunAt = Date.now();
    server = await startServer({ stateDir, port, env });
    token = await logIn(PERSON);
    const [id = ""] = readdirSync(folder);
    await until("its daemon beats again", () => {
      const state = JSON.parse(readFileSync(join(folder, id, "home/.sett/daemon/state.json"), "utf8"));
      return state.link === "socket" && Date.parse(state.last_beat_at) > begunAt;
    });
    tellTime("it beats again after the server began", begunAt, "none");
    await untilOnline(den, begunAt, "none");
  });

  await step("destroyed, nothing of it is left", async () => {
    await api("DELETE", `${BASE}/${den}`, { status: 204 });
    await until("its processes and its disk are gone", () => processesBelow(folder).length === 0 && readdirSync(folder).length === 0, 10_000);
    assert.deepEqual((await api("GET", BASE)).cloud_vms, []);
    await api("GET", `${BASE}/${den}/provision-status`, { status: 404 });
  });

  await step("a clean end of the server ends its machines, too", async () => {
    const { instance_id: id } = await api("POST", BASE, { body: { name: "last", cpu: 1, ram: 4 }, status: 202 });
    await until("it runs", () => processesBelow(folder).length > 0);
    assert.ok(id);
    assert.equal(await server.stop(), 0);
    assert.deepEqual(processesBelow(folder), []);
    assert.ok(!existsSync(join(stateDir, "lock.json")));
  });

  await step("SETT_VMS=off serves without machines, and says so", async () => {
    server = await startServer({ stateDir, env: { ...env, SETT_VMS: "off" } });
    assert.match(server.output(), /machines +off, by SETT_VMS/);
    token = await logIn(PERSON);
    await api("POST", BASE, { body: { name: "none", cpu: 1, ram: 4 }, status: 503 });
    assert.deepEqual(processesBelow(folder), []);
  });
});
