/**
 * Bots as their owner meets them: made from a command line, paired with a machine, moved to another, broken, repaired, shared and
 * deleted; a real server, real daemons, stand-ins for the homeserver, OpenClaw and Hermes.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Computer } from "../support/daemon.mjs";
import { createHomeserverDouble } from "../support/homeserver/double.mjs";
import { serveHomeserver } from "../support/homeserver/serve.mjs";
import { installRuntimes } from "../support/runtimes.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const WATCHED = `gateway='${process.execPath}' '${fileURLToPath(new URL("../support/watched-process.mjs", import.meta.url))}'`;

/** Waits for a truthy answer. @template T @param {string} what @param {() => Promise<T> | T} look @param {number} [limitMs] @returns {Promise<T>} */
async function until(what, look, limitMs = 30_000) {
  for (const end = Date.now() + limitMs; ; ) {
    const value = await look();
    if (value) return value;
    assert.ok(Date.now() < end, `never happened: ${what}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

await journey(async ({ step, cleanUp }) => {
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const homeserver = await serveHomeserver(createHomeserverDouble({ serverName: "den.example" }));
  cleanUp(() => homeserver.stop());
  const server = await startServer({
    stateDir,
    env: {
      RATE_LIMITS: "off",
      MATRIX_BASE_URL: homeserver.baseUrl,
      MATRIX_SERVER_NAME: homeserver.serverName,
      MATRIX_ADMIN_TOKEN: homeserver.adminToken,
      MATRIX_AS_TOKEN: homeserver.asToken,
      MATRIX_REGISTRATION_SECRET: homeserver.registrationSecret,
      HERMES_RUNTIME_ENABLED: "1",
    },
  });
  cleanUp(() => server.stop());

  /** @param {string} method @param {string} path @param {{ token?: string, body?: object, status?: number }} [options] @returns {Promise<any>} */
  async function api(method, path, { token, body, status = 200 } = {}) {
    const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const answer = await fetch(server.origin + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    assert.equal(answer.status, status, `${method} ${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** @param {string} name @returns {Promise<{ token: string, matrixId: string }>} */
  async function signUp(name) {
    const email = `${name}@example.org`;
    const password = "correct horse battery";
    await api("POST", "/api/v1/user/signup", { body: { email, username: name, name, password } });
    const mails = /** @type {{ text: string }[]} */ (await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json());
    const code = /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "";
    await api("POST", "/api/v1/user/signup/verify", { body: { email, code } });
    const session = await api("POST", "/api/v1/user/login", { body: { username: email, password } });
    return { token: session.access_token, matrixId: `@${name}:${homeserver.serverName}` };
  }

  /** @param {string} name @param {string} token */
  async function computerOf(name, token) {
    const computer = new Computer(name, server.origin, (home) => {
      mkdirSync(join(home, "openclaw"));
      return { OPENCLAW_STATE_DIR: join(home, "openclaw"), FAKE_HERMES_LOG: join(home, "hermes.jsonl"), PATH: installRuntimes(join(home, "bin"), ["openclaw", "hermes"]) };
    });
    cleanUp(() => computer.leave());
    const login = computer.sett(["login", "--no-browser", "--json"]);
    const { code } = await login.until("auth_url");
    await api("POST", "/api/v1/openclaw/cli/auth/callback", { token, body: { code, access_token: token } });
    assert.equal(await login.exited, 0, login.text());
    return computer;
  }

  /** @param {Computer} computer */
  const up = (computer) => computer.sett(["up", "--json", "--no-openclaw", "--name", computer.name, "--watch", WATCHED]);
  /** @param {Computer} computer @returns {Record<string, any>} */
  const accounts = (computer) => {
    const path = join(computer.home, "openclaw", "openclaw.json");
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")).channels?.badgerclaw?.accounts ?? {}) : {};
  };
  const hermesStart = () => JSON.parse(readFileSync(join(den.home, "hermes.jsonl"), "utf8").split("\n")[0] ?? "{}");
  /** @param {string} token @returns {Promise<number>} */
  const whoAmI = async (token) => (await fetch(`${homeserver.baseUrl}/_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${token}` } })).status;

  const ada = await signUp("adabadger");
  const bob = await signUp("bobbadger");
  const den = await computerOf("den", ada.token);
  const sett = await computerOf("sett", ada.token);
  let daemonOfDen = up(den);
  await daemonOfDen.until("linked");

  /** @param {string} botId */
  const statusOf = (botId) => api("GET", `/api/v1/dashboard/bots/${botId}/status`, { token: ada.token });
  /** @param {string} botId @param {string} phase */
  const untilPhase = (botId, phase) => until(`pairing ${phase}`, async () => (await statusOf(botId)).pairingPhase === phase, 60_000);
  /** @type {any} */
  let bot;
  let token = "";

  await step("sett bot create --pair makes a bot, and it lives on this machine", async () => {
    const made = await den.run(["bot", "create", "marvin", "--name", "Marvin", "--pair", "--json"]);
    assert.equal(made.code, 0, made.text);
    bot = made.events.find((e) => e.event === "created")?.["bot"];
    assert.equal(bot.bot_user_id, `@marvin_bot:${homeserver.serverName}`);
    token = accounts(den)["marvin"].accessToken;
    assert.equal(await whoAmI(token), 200);
    await untilPhase(bot.id, "live");
    const listed = await den.run(["bot", "list"]);
    assert.match(listed.text, /marvin\s+Marvin\s+openclaw\s+active\s+here/);
    assert.ok(!made.text.includes(token) && !daemonOfDen.text().includes(token), "no token in what is printed");
  });

  await step("sharing lets somebody in for a while, and the machine shuts them out in time", async () => {
    const expires = new Date(Date.now() + 6_000).toISOString();
    await api("POST", `/api/v1/bots/${bot.id}/shares`, { token: ada.token, body: { shared_with_user_id: bob.matrixId, expires_at: expires }, status: 201 });
    await until("bob is allowed", () => accounts(den)["marvin"].allowFrom?.includes(bob.matrixId));
    assert.deepEqual(accounts(den)["marvin"].allowFrom, [ada.matrixId, bob.matrixId]);
    await until("bob is out again", () => accounts(den)["marvin"].allowFrom?.length === 1);
  });

  await step("a broken token is seen, and a refresh makes the bot live again", async () => {
    const { device_id: device } = JSON.parse(readFileSync(join(den.home, "bots", "marvin.json"), "utf8"));
    const path = `${homeserver.baseUrl}/_synapse/admin/v2/users/${encodeURIComponent(bot.bot_user_id)}/devices/${device}`;
    assert.equal((await fetch(path, { method: "DELETE", headers: { authorization: `Bearer ${homeserver.adminToken}` } })).status, 200);
    assert.equal(await whoAmI(token), 401);
    // A daemon tries the tokens when it starts, and then every few minutes.
    await daemonOfDen.kill("SIGTERM");
    daemonOfDen = up(den);
    await until("the server knows why", async () => (await statusOf(bot.id)).failureReason === "token_dead");
    assert.equal((await statusOf(bot.id)).pairingPhase, "degraded");
    await api("POST", "/api/v1/dashboard/commands", { token: ada.token, body: { instance_id: den.instanceId, command_type: "bot_refresh", payload: { bot_id: bot.id } } });
    await untilPhase(bot.id, "live");
    token = accounts(den)["marvin"].accessToken;
    assert.equal(await whoAmI(token), 200);
  });

  await step("paired with another machine it leaves this one, which loses its access", async () => {
    const daemonOfSett = up(sett);
    await daemonOfSett.until("linked");
    const paired = await sett.run(["pair", "--bot", "marvin", "--json"]);
    assert.equal(paired.code, 0, paired.text);
    assert.equal(await whoAmI(accounts(sett)["marvin"].accessToken), 200);
    await until("the old token is dead", async () => (await whoAmI(token)) === 401);
    await untilPhase(bot.id, "live");
    await daemonOfDen.kill("SIGTERM");
    daemonOfDen = up(den);
    await until("den forgot it", () => !existsSync(join(den.home, "bots", "marvin.json")) && accounts(den)["marvin"] === undefined);
    token = accounts(sett)["marvin"].accessToken;
    assert.equal(await whoAmI(token), 200);
  });

  await step("a bot of the Hermes runtime gets a process of its own, and its recovery key is kept by the server", async () => {
    const made = await den.run(["bot", "create", "zaphod", "--runtime", "hermes", "--pair", "--json"]);
    assert.equal(made.code, 0, made.text);
    const id = made.events.find((e) => e.event === "created")?.["bot"].id;
    await untilPhase(id, "live");
    await until("its Hermes is up", () => existsSync(join(den.home, "hermes.jsonl")));
    const start = hermesStart();
    assert.equal(start.env.MATRIX_ALLOWED_USERS, ada.matrixId);
    assert.equal(await whoAmI(start.env.MATRIX_ACCESS_TOKEN), 200);
    await until("an image is known", async () => (await api("GET", `/api/v1/hermes/bots/${id}/version`, { token: ada.token })).image);
  });

  await step("deleted, it is gone from the machine and from the homeserver", async () => {
    assert.equal((await den.run(["bot", "delete", "zaphod"])).code, 0);
    const start = hermesStart();
    await until("its token is dead", async () => (await whoAmI(start.env.MATRIX_ACCESS_TOKEN)) === 401);
    await daemonOfDen.kill("SIGTERM");
    assert.ok(!existsSync(`/proc/${start.pid}`), "its Hermes ended");
    daemonOfDen = up(den);
    await until("den forgot it", () => !existsSync(join(den.home, "bots", "zaphod.json")));
    assert.equal(await daemonOfDen.kill("SIGTERM"), 0);
  });
});
