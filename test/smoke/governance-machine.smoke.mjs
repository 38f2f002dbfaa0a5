/**
 * A machine under governance as its operator sees it: attached to a tenant, kept to a policy by a real daemon, suspended, resumed and released; a real
 * server, a real daemon, a gateway that asks its way out through what its environment names, and a stand-in for OpenClaw's program.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Computer } from "../support/daemon.mjs";
import { installRuntimes } from "../support/runtimes.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const OPERATOR = "smoke-operator-token-0123456789abcdef";
const PERSON = { email: "ada@example.org", username: "adabadger", name: "Ada Badger", password: "correct horse battery" };

/** What the gateway runs: asks for tunnels as it is told in a file, and writes down what it was answered. */
const AGENT = `
const http = require("http"), fs = require("fs"), path = require("path");
const [, , folder] = process.argv;
fs.appendFileSync(path.join(folder, "starts"), process.pid + " " + (process.env.HTTPS_PROXY || "none") + "\\n");
const done = new Set();
setInterval(() => {
  if (!fs.existsSync(folder)) process.exit(0);
  const wanted = fs.existsSync(path.join(folder, "wanted")) ? fs.readFileSync(path.join(folder, "wanted"), "utf8").split("\\n").filter(Boolean) : [];
  for (const line of wanted) {
    if (done.has(line) || !process.env.HTTPS_PROXY) continue;
    done.add(line);
    const tell = (answer) => fs.appendFileSync(path.join(folder, "answers"), line + " " + answer + "\\n");
    http.request({ host: "127.0.0.1", port: new URL(process.env.HTTPS_PROXY).port, method: "CONNECT", path: line.split(" ")[1] })
      .on("connect", (response, socket) => { tell(response.statusCode); socket.destroy(); })
      .on("error", (error) => tell(error.code))
      .end();
  }
}, 50);
`;

/** Waits for a truthy answer. @template T @param {string} what @param {() => Promise<T> | T} look @param {number} [limitMs] @returns {Promise<NonNullable<T>>} */
async function until(what, look, limitMs = 45_000) {
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
  const server = await startServer({ stateDir, env: { RATE_LIMITS: "off", OPENCRANE_API_TOKEN: OPERATOR } });
  cleanUp(() => server.stop());
  const target = createServer((_request, response) => response.end("hello"));
  await new Promise((ready) => target.listen(0, "127.0.0.1", () => ready(undefined)));
  cleanUp(() => void target.close());
  const { port } = /** @type {import("node:net").AddressInfo} */ (target.address());

  /** @param {string} method @param {string} path @param {{ token?: string, body?: object, status?: number }} [options] @returns {Promise<any>} */
  async function api(method, path, { token, body, status } = {}) {
    const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const answer = await fetch(server.origin + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    assert.ok(status === undefined ? answer.ok : answer.status === status, `${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  /** @param {string} method @param {string} path @param {object} [body] */
  const operator = (method, path, body) => api(method, `/api/v1${path}`, { token: OPERATOR, ...(body === undefined ? {} : { body }) });

  const { email, username, name, password } = PERSON;
  await api("POST", "/api/v1/user/signup", { body: { email, username, name, password } });
  const mails = /** @type {{ text: string }[]} */ (await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json());
  await api("POST", "/api/v1/user/signup/verify", { body: { email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
  const { access_token: token } = await api("POST", "/api/v1/user/login", { body: { username: email, password } });

  const den = new Computer("den", server.origin, (home) => {
    mkdirSync(join(home, "openclaw"));
    mkdirSync(join(home, "agent"));
    return { OPENCLAW_STATE_DIR: join(home, "openclaw"), PATH: installRuntimes(join(home, "bin"), ["openclaw"]) };
  });
  cleanUp(() => den.leave());
  const folder = join(den.home, "agent");
  const settings = join(den.home, "openclaw", "openclaw.json");
  writeFileSync(join(den.home, "agent.cjs"), AGENT);
  writeFileSync(settings, JSON.stringify({ tools: { deny: ["browser"] }, mcp: { servers: { docs: { url: "https://docs.example" }, shell: { command: "sh" } } } }));
  const login = den.sett(["login", "--no-browser", "--json"]);
  const { code } = await login.until("auth_url");
  await api("POST", "/api/v1/openclaw/cli/auth/callback", { token, body: { code, access_token: token } });
  assert.equal(await login.exited, 0, login.text());

  const daemon = den.sett(["up", "--json", "--no-openclaw", "--name", "den", "--watch", `gateway='${process.execPath}' '${join(den.home, "agent.cjs")}' '${folder}'`]);
  await daemon.until("linked");
  /** @param {string} file */
  const lines = (file) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim().split("\n") : []);
  /** @param {string} authority @returns {Promise<string>} what the gateway was answered */
  const asks = async (authority) => {
    const line = `${lines("wanted").length + 1} ${authority}`;
    writeFileSync(join(folder, "wanted"), `${[...lines("wanted"), line].filter(Boolean).join("\n")}\n`);
    const answer = await until(`an answer about ${authority}`, () => lines("answers").find((said) => said.startsWith(`${line} `)));
    return answer.slice(line.length + 1);
  };
  /** @returns {Promise<any>} */
  const machine = async () => (await operator("GET", "/tenants/acme/machines")).find((/** @type {any} */ one) => one.instanceId === den.instanceId);
  const config = () => JSON.parse(readFileSync(settings, "utf8"));

  await step("the gateway runs free before anybody governs it", async () => {
    await until("started", () => lines("starts").at(-1)?.endsWith(" none"));
  });

  await step("attached to a tenant with a policy, the gateway goes through the proxy, and the machine says that it enforces", async () => {
    await operator("POST", "/tenants", { name: "acme", displayName: "Acme", email, team: "crew" });
    await operator("POST", "/policies", {
      name: "narrow",
      tenantSelector: { matchTeam: "crew" },
      domainRules: { allow: ["localhost"], deny: [], defaultDeny: true },
      egressRules: [{ cidr: "127.0.0.1/32", ports: [port], protocol: "TCP" }],
      tools: { deny: ["exec"] },
      mcpServers: { allow: ["docs"] },
    });
    await operator("PUT", `/tenants/acme/machines/${encodeURIComponent(den.instanceId)}`, {});
    await until("started anew behind the proxy", () => lines("starts").at(-1)?.includes(" http://127.0.0.1:"));
    await until("in sync", async () => {
      const seen = await machine();
      return seen?.inSync === true && seen.reportedRevision === seen.revision && ["domains", "egress", "tools", "mcpServers"].every((part) => seen.enforcing.includes(part));
    });
    assert.deepEqual(config(), { tools: { deny: ["browser", "exec"] }, mcp: { servers: { docs: { url: "https://docs.example" } } } });
  });

  await step("what is allowed is reached, the rest is refused, and the operator sees the violation", async () => {
    assert.equal(await asks(`127.0.0.1:${port}`), "200");
    assert.notEqual(await asks("localhost:443"), "403");
    assert.equal(await asks("evil.example.org:443"), "403");
    assert.equal(await asks(`127.0.0.1:${port === 1 ? 2 : 1}`), "403");
    await until("in the participation report", async () => {
      const report = JSON.stringify(await operator("GET", "/awareness/participation"));
      return report.includes("evil.example.org:443");
    });
  });

  await step("a setting that the owner changes back is put back, and told", async () => {
    writeFileSync(settings, JSON.stringify({ ...config(), tools: { deny: [] } }));
    await until("put back", () => config().tools.deny.includes("exec"));
    await daemon.until("violation", (event) => event["kind"] === "tool" && event["subject"] === "exec");
  });

  await step("the command line tells its owner", async () => {
    const status = await den.run(["status"]);
    assert.match(status.text, /governed by acme/);
    const doctor = await den.run(["doctor", "--json"]);
    const checks = /** @type {any[]} */ (JSON.parse(doctor.text.trim()).checks);
    for (const what of ["governance", "contract sync", "proxy", "enforcement"]) assert.equal(checks.find((check) => check.name === what)?.state, "ok", doctor.text);
  });

  await step("suspended: the gateway stops, and commands are refused", async () => {
    const pid = Number(lines("starts").at(-1)?.split(" ")[0]);
    await operator("POST", "/tenants/acme/suspend");
    await daemon.until("process", (event) => event["name"] === "gateway" && event["status"] === "stopped");
    await until("ended", () => !existsSync(`/proc/${pid}`));
    const refused = await api("POST", "/api/v1/dashboard/gateway/restart", { token, body: { instance_id: den.instanceId }, status: 409 });
    assert.match(JSON.stringify(refused), /TENANT_SUSPENDED/i);
  });

  await step("a daemon that is started meanwhile keeps it stopped", async () => {
    const starts = lines("starts").length;
    assert.equal(await daemon.kill("SIGTERM"), 0, daemon.text());
    const next = den.sett(["up", "--json", "--no-openclaw", "--name", "den", "--watch", `gateway='${process.execPath}' '${join(den.home, "agent.cjs")}' '${folder}'`]);
    await next.until("linked");
    await next.until("beat");
    assert.equal(lines("starts").length, starts);
    await operator("POST", "/tenants/acme/resume");
    await until("resumed", () => lines("starts").length > starts);
    assert.match(lines("starts").at(-1) ?? "", / http:\/\/127\.0\.0\.1:/);
    assert.equal(await asks("other.example.org:443"), "403");
    const restarted = await api("POST", "/api/v1/dashboard/gateway/restart", { token, body: { instance_id: den.instanceId } });
    const result = await next.until("result", (event) => event["id"] === restarted.commandId);
    assert.equal(result["status"], "success", JSON.stringify(result));
  });

  await step("released, everything is as it was before", async () => {
    await operator("DELETE", `/tenants/acme/machines/${encodeURIComponent(den.instanceId)}`);
    await until("free", () => lines("starts").at(-1)?.endsWith(" none"));
    await until("the owner's settings", () => config().mcp.servers.shell !== undefined);
    assert.deepEqual(config(), { tools: { deny: ["browser"] }, mcp: { servers: { docs: { url: "https://docs.example" }, shell: { command: "sh" } } } });
  });
});
