/**
 * A day at the support desk: somebody's machine is silent. They are found, their machine is looked into, they are signed out everywhere,
 * get another password and a better plan, and are removed for good with a cloud machine still running. A real server, a real daemon
 * that is killed, real processes as cloud machines; every step is judged by its effects.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Computer } from "../support/daemon.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const KEEPER = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const ENGINEER = { name: "Sam Support", email: "sam@example.org", username: "samsupport", password: "listening since 1998" };
const ADA = { name: "Ada Badger", email: "ada@example.org", username: "adabadger", password: "correct horse battery" };
const NEW_PASSWORD = "a better horse, stapled";
const VMS = "/api/v1/openclaw/cloud-vm";
const ADMIN = "/api/v1/admin";
const STEPS = ["bots", "instances", "fingerprints", "cli_tokens", "shares", "payments", "files", "matrix", "identity", "database"];

/** Waits for a truthy answer. @template T @param {string} what @param {() => Promise<T> | T} look @param {number} [limitMs] @returns {Promise<T>} */
async function until(what, look, limitMs = 30_000) {
  for (const end = Date.now() + limitMs; ; ) {
    const value = await look();
    if (value) return value;
    assert.ok(Date.now() < end, `never happened: ${what}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** Live processes that know a folder: its cloud machines'. @param {string} folder */
const processesBelow = (folder) =>
  readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return !stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z") && `${readFileSync(`/proc/${name}/cmdline`, "utf8")}\0${readFileSync(`/proc/${name}/environ`, "utf8")}`.includes(folder);
    } catch {
      return false;
    }
  });

await journey(async ({ step, skip, cleanUp }) => {
  if (process.platform !== "linux") return skip("the support desk", "looks at /proc");
  const stateDir = newState();
  const folder = join(stateDir, "vms");
  cleanUp(() => removeState(stateDir));
  const server = await startServer({ stateDir, env: { RATE_LIMITS: "off", SETT_VMS: "on", SETT_ADMIN_EMAIL: KEEPER.email, SETT_ADMIN_PASSWORD: KEEPER.password } });
  cleanUp(() => server.stop());

  /** @param {string} method @param {string} path @param {{ as?: string, body?: object, status?: number }} [options] @returns {Promise<any>} */
  async function api(method, path, { as = "", body, status = 200 } = {}) {
    const headers = { "content-type": "application/json", ...(as === "" ? {} : { authorization: `Bearer ${as}` }) };
    const answer = await fetch(server.origin + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    assert.equal(answer.status, status, `${method} ${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  /** @param {{ email: string, password: string }} person @param {number} [status] */
  const logIn = ({ email, password }, status = 200) => api("POST", "/api/v1/user/login", { body: { username: email, password }, status });
  /** @param {typeof ADA} person */
  async function signUp(person) {
    await api("POST", "/api/v1/user/signup", { body: person });
    const code = await until(`a code for ${person.email}`, async () => {
      const mails = /** @type {{ text: string }[]} */ (await (await fetch(`${server.origin}/dev/mailbox?to=${person.email}`, { headers: { accept: "application/json" } })).json());
      return mails.map(({ text }) => /\b\d{6}\b/.exec(text)?.[0]).find((found) => found !== undefined);
    });
    await api("POST", "/api/v1/user/signup/verify", { body: { email: person.email, code } });
    return logIn(person);
  }

  const desk = new Computer("desk", server.origin, () => ({ SETT_ADMIN_EMAIL: KEEPER.email, SETT_ADMIN_PASSWORD: KEEPER.password }));
  const hers = new Computer("den", server.origin);
  cleanUp(() => desk.leave());
  cleanUp(() => hers.leave());
  /** What a command of the desk prints as JSON. @param {readonly string[]} args @param {number} [code] @returns {Promise<any>} */
  async function sett(args, code = 0) {
    const run = await desk.run([...args, "--json"]);
    assert.equal(run.code, code, `sett ${args.join(" ")}: ${run.text}`);
    return run.events[0];
  }

  let ada = await signUp(ADA);
  const userId = ada.user_profile.id;
  let cliToken = "";
  await step("somebody's machine is in the fleet, and dies", async () => {
    const login = hers.sett(["login", "--no-browser", "--json"]);
    const { code } = await login.until("auth_url");
    await api("POST", "/api/v1/openclaw/cli/auth/callback", { as: ada.access_token, body: { code, access_token: ada.access_token } });
    assert.equal(await login.exited, 0, login.text());
    cliToken = JSON.parse(readFileSync(join(hers.home, "auth.json"), "utf8")).access_token;
    const daemon = hers.sett(["up", "--json", "--no-openclaw", "--name", "den"]);
    await daemon.until("beat");
    await daemon.kill("SIGKILL");
  });

  let sam = "";
  await step("sett admin makes a support engineer, who may not make others", async () => {
    const first = await signUp(ENGINEER);
    await sett(["admin", "add", ENGINEER.email]);
    const { administrators } = await sett(["admin", "list"]);
    assert.deepEqual(administrators.map((/** @type {Record<string, unknown>} */ one) => [one["email"], one["role"]]), [[KEEPER.email, "superadmin"], [ENGINEER.email, "admin"]]);
    sam = (await api("POST", `${ADMIN}/login`, { body: { email: ENGINEER.email, password: ENGINEER.password } })).access_token;
    await api("POST", `${ADMIN}/ops/admins`, { as: sam, body: { email: ADA.email, role: "admin" }, status: 403 });
    await api("GET", `${ADMIN}/users`, { as: ada.access_token, status: 403 });
    assert.ok(first.user_profile.id !== userId);
  });

  await step("she is found by the beginning of her address", async () => {
    const { users, total } = await api("GET", `${ADMIN}/users?search=ada@ex`, { as: sam });
    assert.deepEqual([total, users[0].id, users[0].email], [1, userId, ADA.email]);
    const security = await api("GET", `${ADMIN}/users/${userId}/security`, { as: sam });
    assert.equal(security.sessions.filter((/** @type {{ is_revoked: boolean }} */ one) => !one.is_revoked).length, 1);
    assert.deepEqual(security.openclaw_instances.map((/** @type {{ instance_id: string }} */ one) => one.instance_id), [hers.instanceId]);
  });

  await step("why her machine is offline is there to read", async () => {
    const inspect = () => api("GET", `${ADMIN}/ops/objects/accounts/${userId}/instances/${hers.instanceId}`, { as: sam });
    const last = await until("its history says that it fell silent", async () => (await inspect()).object.history.find((/** @type {{ type: string }} */ entry) => entry.type === "machine.offline"), 60_000);
    assert.equal((await inspect()).object.link.kind, "none");
    const { instances } = await api("GET", `${ADMIN}/openclaw/instances?search=${hers.instanceId}`, { as: sam });
    assert.deepEqual(instances.map((/** @type {Record<string, unknown>} */ one) => [one["instance_id"], one["online"]]), [[hers.instanceId, false]]);
    const detail = await api("GET", `${ADMIN}/openclaw/instances/${hers.instanceId}`, { as: sam });
    assert.deepEqual([detail.owner.email, detail.heartbeat_error, detail.heartbeat.isOnline, detail.heartbeat.offlineReason], [ADA.email, null, false, "link_lost"]);
    process.stdout.write(`   its history tells: ${JSON.stringify(last.data)}\n`);
    const feed = await api("GET", `${ADMIN}/ops/objects/accounts/${userId}/feed`, { as: sam });
    assert.deepEqual(feed.machines.map((/** @type {{ instance_id: string }} */ one) => one.instance_id), [hers.instanceId]);
  });

  await step("sett ops shows that the server itself is well", async () => {
    for (const [args, shape] of /** @type {[string[], string][]} */ ([[["lag"], "queue"], [["dead-letters"], "dead_letters"], [["outbox"], "effects"], [["cron"], "jobs"], [["findings"], "findings"], [["gates"], "gates"], [["audit"], "entries"]])) {
      const shown = await sett(["ops", ...args]);
      assert.ok(shape in shown, `sett ops ${args.join(" ")}: ${JSON.stringify(shown)}`);
      if (shape === "dead_letters" || shape === "effects" || shape === "findings") assert.deepEqual(shown[shape], []);
    }
  });

  await step("signed out everywhere, she is out at once; her machine's token stays", async () => {
    const second = await logIn(ADA);
    const out = await api("POST", `${ADMIN}/users/${userId}/sign-out-all`, { as: sam });
    assert.deepEqual([out.ok, out.sessions_revoked], [true, 2]);
    for (const session of [ada, second]) {
      await api("GET", "/api/v1/user/profile", { as: session.access_token, status: 401 });
      await api("POST", "/api/v1/user/token/refresh", { body: { refresh_token: session.refresh_token, email: ADA.email }, status: 401 });
    }
    await api("GET", "/api/v1/openclaw/status", { as: cliToken });
  });

  await step("a new password is the only one, and she is told", async () => {
    ada = await logIn(ADA);
    await api("POST", `${ADMIN}/users/${userId}/reset-password`, { as: sam, body: { new_password: NEW_PASSWORD } });
    await api("GET", "/api/v1/user/profile", { as: ada.access_token, status: 401 });
    await logIn(ADA, 401);
    ada = await logIn({ email: ADA.email, password: NEW_PASSWORD });
    await until("a mail tells her", async () => /password/i.test(JSON.stringify(await (await fetch(`${server.origin}/dev/mailbox?to=${ADA.email}`, { headers: { accept: "application/json" } })).json())));
  });

  let cloudId = "";
  await step("a granted upgrade opens what it promises: a cloud machine, which beats", async () => {
    await api("POST", `${ADMIN}/users/${userId}/subscription/upgrade`, { as: sam, body: { to_plan: "team" } });
    const [user] = (await api("GET", `${ADMIN}/users?search=${ADA.email}`, { as: sam })).users;
    assert.equal(user.subscription_plan, "team");
    assert.equal((await api("GET", VMS, { as: ada.access_token })).included, 5);
    cloudId = (await api("POST", VMS, { as: ada.access_token, body: { name: "cloud", cpu: 1, ram: 4 }, status: 202 })).instance_id;
    await until("the cloud machine is online", async () => (await api("GET", `${VMS}/${cloudId}/provision-status`, { as: ada.access_token })).provision_status === "online", 90_000);
    assert.ok(processesBelow(folder).length > 0);
  });

  await step("her machine is back, and its daemon is alive when she is removed", async () => {
    await hers.sett(["up", "--json", "--no-openclaw", "--name", "den"]).until("linked");
  });

  await step("removed for good: ten steps, each told, and the address typed is asked for", async () => {
    await api("DELETE", `${ADMIN}/users/${userId}?confirm_email=other@example.org`, { as: sam, status: 400 });
    await api("GET", "/api/v1/user/profile", { as: ada.access_token });
    const removed = await api("DELETE", `${ADMIN}/users/${userId}?confirm_email=${ADA.email.toUpperCase()}`, { as: sam });
    assert.deepEqual(removed.steps.map((/** @type {{ name: string }} */ one) => one.name), STEPS);
    for (const { name, ok, detail } of removed.steps) {
      process.stdout.write(`   ${name}: ${ok ? "ok" : "not yet"}, ${detail}\n`);
      // Computers are the provider's to end, which takes a moment.
      if (name !== "instances") assert.equal(ok, true, `${name}: ${detail}`);
    }
  });

  await step("every way in is dead: session, refresh, both passwords, the machine's token and its daemon", async () => {
    await api("GET", "/api/v1/user/profile", { as: ada.access_token, status: 401 });
    await api("POST", "/api/v1/user/token/refresh", { body: { refresh_token: ada.refresh_token, email: ADA.email }, status: 401 });
    for (const password of [ADA.password, NEW_PASSWORD]) await logIn({ email: ADA.email, password }, 401);
    await api("GET", "/api/v1/openclaw/status", { as: cliToken, status: 401 });
    await api("POST", "/api/v1/dashboard/heartbeat", { as: cliToken, body: { instance_id: hers.instanceId }, status: 410 });
    assert.notEqual(await Promise.race([hers.runs.at(-1)?.exited, new Promise((late) => setTimeout(() => late("alive"), 20_000))]), "alive", hers.runs.at(-1)?.text());
  });

  await step("everything is gone: rows, machines' objects, the cloud machine and its processes", async () => {
    await api("GET", `${ADMIN}/users/${userId}`, { as: sam, status: 404 });
    assert.equal((await api("GET", `${ADMIN}/users?search=${ADA.email}`, { as: sam })).total, 0);
    await until("no machine of hers is listed", async () => (await api("GET", `${ADMIN}/openclaw/instances?search=${hers.instanceId}`, { as: sam })).total === 0);
    await until("the provider has ended the cloud machine", () => processesBelow(folder).length === 0 && (!existsSync(folder) || readdirSync(folder).length === 0));
    for (const id of [hers.instanceId, cloudId]) {
      await until(`${id} is unknown`, async () => (await fetch(`${server.origin}${ADMIN}/openclaw/instances/${id}`, { headers: { authorization: `Bearer ${sam}` } })).status === 404);
      await api("GET", `${ADMIN}/ops/objects/accounts/${userId}/instances/${id}`, { as: sam, status: 404 });
    }
    await api("GET", `${ADMIN}/ops/objects/accounts/${userId}/feed`, { as: sam, status: 404 });
    assert.deepEqual((await sett(["ops", "dead-letters"])).dead_letters, []);
    await until("nothing is left to do", async () => (await sett(["ops", "outbox"])).counts.pending === 0);
  });

  await step("her address is free, and whoever comes with it begins anew", async () => {
    const again = await signUp(ADA);
    assert.notEqual(again.user_profile.id, userId);
    assert.deepEqual((await api("GET", "/api/v1/dashboard/machines?include_cloud=1", { as: again.access_token })).machines, []);
    // A name that a machine had before shows nothing of what was there.
    await api("POST", "/api/v1/openclaw/register", { as: again.access_token, body: { instance_id: hers.instanceId, label: "den", version: "1", machine_fingerprint: "another" } });
    const { object } = await api("GET", `${ADMIN}/ops/objects/accounts/${again.user_profile.id}/instances/${hers.instanceId}`, { as: sam });
    assert.ok(object.history.every((/** @type {{ type: string }} */ entry) => entry.type !== "machine.offline"), JSON.stringify(object.history));
  });

  await step("the audit log tells who did all that, and no secret", async () => {
    const { entries } = await sett(["ops", "audit", "--tenant", String(userId), "--limit", "200"]);
    const acts = new Set(entries.filter((/** @type {{ actor_type: string }} */ one) => one.actor_type === "user").map((/** @type {{ action: string }} */ one) => one.action));
    for (const action of ["user.sign_out_all", "user.set_password", "plan.raise", "user.hard_delete", "user.hard_delete_done"]) assert.ok(acts.has(action), `${action} in ${[...acts].join(", ")}`);
    // Nothing is logged while all is well.
    const path = join(stateDir, "logs/worker.log");
    const log = existsSync(path) ? readFileSync(path, "utf8") : "";
    for (const secret of [ADA.password, NEW_PASSWORD, cliToken, ada.access_token, ada.refresh_token]) for (const text of [JSON.stringify(entries), log, server.output()]) assert.ok(!text.includes(secret));
  });

  await step("the engineer's role ends at once", async () => {
    await sett(["admin", "remove", ENGINEER.email]);
    await api("GET", `${ADMIN}/users`, { as: sam, status: 401 });
    assert.match((await sett(["ops", "lag"])) && (await desk.run(["admin", "remove", ENGINEER.email, "--json"])).text, /no_admin/);
  });
});
