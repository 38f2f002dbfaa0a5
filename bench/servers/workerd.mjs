/**
 * Sett's hot path on plain workerd: the very bundle, with objects and sockets, but without the simulators that Miniflare brings
 * (D1, queues, R2). So machines are registered with their objects directly instead of through the API, tokens are minted with the
 * server's key, and streams and commands, which ask D1 whether an account is alive, are left out.
 */
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inModules, inRoot } from "../../scripts/lib/paths.mjs";
import { generateSecrets } from "../../scripts/lib/secrets.mjs";
import { freePort, startChild, waitForOk } from "./child.mjs";

/** @typedef {import("../load/links.mjs").Machine} Machine */

/** The worker itself, plus two paths of the bench: register machines, and ask the objects what they spent. */
const ENTRY = `
import worker, { AccountFeedDO, InstanceDO } from "./worker.js";
export { AccountFeedDO, InstanceDO };
const objectOf = (env, ref) => env.INSTANCE_DO.getByName(ref.userId + "/" + ref.instanceId);
export default {
  async fetch(request, env, ctx) {
    const path = new URL(request.url).pathname;
    if (path === "/bench/ready") return new Response("ok");
    if (path === "/bench/register") {
      const registration = { label: "den", version: "1.0.0", provider: null, orgoWorkspaceId: null, orgoWorkspaceName: null, orgoComputerId: null, createdAt: 0 };
      for (const { ref, tokenId, expiresAt } of await request.json()) {
        await objectOf(env, ref).register(ref, registration);
        await objectOf(env, ref).admitToken(ref, tokenId, expiresAt);
      }
      return new Response("ok");
    }
    if (path === "/bench/spending") {
      const all = await Promise.all((await request.json()).map((ref) => objectOf(env, ref).getSpending()));
      const total = (name) => all.reduce((sum, one) => sum + one[name], 0);
      return Response.json({ rows: total("rowsWritten"), alarms: total("alarmsSet"), feedCalls: total("feedCalls") });
    }
    return worker.fetch(request, env, ctx);
  },
};
`;
const SINK = 'import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { async send() {} }';
const PER_REQUEST = 100;
const MACHINES_PER_USER = 50;

/** A CLI token as src/kernel/auth/cli-token.ts defines it. @param {Buffer} key @param {string} keyId @param {{ tokenId: string, userId: number, expiresAt: number }} facts */
function mintCliToken(key, keyId, { tokenId, userId, expiresAt }) {
  const payload = Buffer.alloc(44);
  payload[0] = 1;
  payload.write(tokenId.replaceAll("-", ""), 1, "hex");
  payload.writeUIntBE(userId, 17, 6);
  payload.writeUIntBE(expiresAt / 1_000, 23, 5);
  randomBytes(16).copy(payload, 28);
  const mac = createHmac("sha256", key).update(payload).digest().subarray(0, 24);
  return `sett_cli_${payload.toString("base64url")}.${keyId}.${mac.toString("base64url")}`;
}

/** @param {string} text */
const quoted = (text) => JSON.stringify(text);

/** @param {{ port: number, disk: string, wasm: string[], vars: Record<string, string> }} parts */
function configText({ port, disk, wasm, vars }) {
  const modules = [
    '(name = "entry.js", esModule = embed "entry.js")',
    '(name = "./worker.js", esModule = embed "worker.js")',
    ...wasm.map((name) => `(name = ${quoted(`./${name}`)}, wasm = embed ${quoted(name)})`),
  ];
  const bindings = [
    '(name = "INSTANCE_DO", durableObjectNamespace = "InstanceDO")',
    '(name = "ACCOUNT_FEED_DO", durableObjectNamespace = "AccountFeedDO")',
    '(name = "JOBS", service = "sink")',
    ...Object.entries(vars).map(([name, value]) => `(name = ${quoted(name)}, text = ${quoted(value)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .sett), (name = "sink", worker = .sink), (name = "objects", disk = (path = ${quoted(disk)}, writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const sett :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  durableObjectNamespaces = [(className = "InstanceDO", uniqueKey = "instance", enableSql = true), (className = "AccountFeedDO", uniqueKey = "feed", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [${bindings.join(", ")}],
);
const sink :Workerd.Worker = (modules = [(name = "sink.js", esModule = ${quoted(SINK)})], compatibilityDate = "2026-11-01");
`;
}

/** @param {string} origin @param {string} path @param {unknown} body */
async function post(origin, path, body) {
  const response = await fetch(`${origin}${path}`, { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(60_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`);
  return text;
}

/** @param {{ stateDir: string }} options @returns {Promise<import("./child.mjs").BenchServer>} */
export async function startWorkerd({ stateDir }) {
  const disk = join(stateDir, "objects");
  mkdirSync(disk, { recursive: true });
  const wasm = readdirSync(inRoot("dist")).filter((name) => name.endsWith(".wasm"));
  for (const name of ["worker.js", ...wasm]) copyFileSync(inRoot("dist", name), join(stateDir, name));
  const port = await freePort();
  const secrets = generateSecrets();
  writeFileSync(join(stateDir, "entry.js"), ENTRY);
  writeFileSync(join(stateDir, "config.capnp"), configText({ port, disk, wasm, vars: { ...secrets, ENVIRONMENT: "local", RATE_LIMITS: "off" } }), { mode: 0o600 });

  // The very program that Miniflare runs.
  const { default: workerd } = createRequire(inModules("miniflare/package.json"))("workerd");
  const origin = `http://127.0.0.1:${port}`;
  const { pid, stop } = await startChild({ command: String(workerd), args: ["serve", "config.capnp"], cwd: stateDir, probe: () => waitForOk(`${origin}/bench/ready`) });

  const [keyId = "", keyText = ""] = String(secrets["TOKEN_KEYS"]).split(":");
  /** @type {{ userId: number, instanceId: string }[]} */
  let refs = [];
  return {
    target: { host: "127.0.0.1", port },
    roots: [pid],
    offers: ["sockets"],
    async createFleet(machines) {
      const expiresAt = Math.floor(Date.now() / 1_000) * 1_000 + 86_400_000;
      const made = Array.from({ length: machines }, (_, index) => {
        const ref = { userId: 1 + Math.floor(index / MACHINES_PER_USER), instanceId: `bench-${index}` };
        const tokenId = randomUUID();
        return { ref, tokenId, expiresAt, token: mintCliToken(Buffer.from(keyText, "base64url"), keyId, { tokenId, userId: ref.userId, expiresAt }) };
      });
      for (let at = 0; at < made.length; at += PER_REQUEST) {
        await post(origin, "/bench/register", made.slice(at, at + PER_REQUEST).map(({ ref, tokenId }) => ({ ref, tokenId, expiresAt })));
      }
      refs = made.map(({ ref }) => ref);
      return made.map(({ ref, token }) => ({ instanceId: ref.instanceId, token, userToken: "" }));
    },
    spending: async () => JSON.parse(await post(origin, "/bench/spending", refs)),
    stop,
  };
}
