import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readText } from "../../../cli/src/core/files";
import { installRuntimes } from "../../support/runtimes.mjs";
import { FakeContracts } from "./fake-contracts";
import { FakeServer } from "./fake-server";
import { eventually, temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Json = Record<string, unknown>;

const bundleHome = temporaryHome();
const bundle = join(bundleHome.path, "sett.mjs");

let server: FakeServer;
let contracts: FakeContracts;
let home: ReturnType<typeof temporaryHome>;
let started: ChildProcess[];

beforeAll(() => {
  execFileSync(process.execPath, [fileURLToPath(new URL("../../../cli/build.mjs", import.meta.url).href), bundle]);
});

afterAll(() => bundleHome.remove());

beforeEach(async () => {
  server = new FakeServer();
  contracts = new FakeContracts(server);
  await server.start();
  home = temporaryHome();
  mkdirSync(join(home.path, "openclaw"));
  started = [];
  expect(await sett(["login", "--token", "-", "--quiet"], `${server.token}\n`).end).toBe(0);
});

afterEach(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await eventually("all ended", () => started.every((child) => child.exitCode !== null || child.signalCode !== null));
  await server.kill();
  home.remove();
});

/** The bundle as a person runs it, with a stand-in for OpenClaw. */
function sett(args: readonly string[], input = "") {
  const env = { ...process.env, SETT_HOME: home.path, SETT_INSTANCE_ID: "machine-1", SETT_FINGERPRINT: "f".repeat(64), NO_COLOR: "1", OPENCLAW_STATE_DIR: join(home.path, "openclaw"), PATH: installRuntimes(join(home.path, "bin"), ["openclaw"]) };
  const child = spawn(process.execPath, [bundle, ...args, "--server", server.url], { env, stdio: ["pipe", "pipe", "pipe"] });
  started.push(child);
  child.stdin.end(input);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return {
    child,
    text: () => text,
    lines: (): Json[] => text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Json] : [])),
    end: new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code))),
  };
}

async function told(...args: string[]): Promise<string> {
  const run = sett(args);
  await run.end;
  return run.text();
}

async function checks(): Promise<Map<string, Json>> {
  const run = sett(["doctor", "--json"]);
  await run.end;
  const [answer = {}] = run.lines();
  return new Map((answer["checks"] as Json[]).map((check) => [String(check["name"]), check]));
}

const WATCH = `gateway="${process.execPath}" -e "console.log(process.env.HTTPS_PROXY); setInterval(Date, 1000)"`;
const RULES = { domains: { allow: ["localhost"], deny: [], defaultDeny: true }, tools: { allow: null, deny: ["exec"] } };

describe("the command line of a governed machine", () => {
  it("says nothing of governance where there is none", async () => {
    expect(await told("status")).not.toContain("governed");
    expect((await checks()).get("governance")).toMatchObject({ state: "ok", detail: "nobody governs this machine" });
  });

  it("shows who governs it, whether it is suspended, and checks proof, sync and proxy", async () => {
    contracts.set(RULES, true);
    const up = sett(["up", "--json", "--no-openclaw", "--watch", WATCH]);
    await eventually("governed", () => up.lines().find((line) => line["event"] === "governance" && line["ok"] === true));
    expect(up.lines().find((line) => line["event"] === "governance")).toMatchObject({ tenant: "acme", revision: 1, suspended: false });
    await eventually("all in place", () => (server.beats.at(-1)?.["governance"] as { enforcing?: string[] } | undefined)?.enforcing?.join() === "domains,tools");
    await eventually("said", async () => (await told("status")).includes("governed by acme, contract revision 1  enforces domains, tools"));
    const run = sett(["status", "--json"]);
    await run.end;
    expect(run.lines()[0]).toMatchObject({ governance: { mode: "governed", tenant: "acme", revision: 1, suspended: false, enforcing: ["domains", "tools"], problem: null } });
    const all = await checks();
    expect(all.get("governance")).toMatchObject({ state: "ok", detail: expect.stringContaining("signature proved") });
    expect(all.get("contract sync")).toMatchObject({ state: "ok" });
    expect(all.get("proxy")).toMatchObject({ state: "ok" });
    expect(all.get("enforcement")).toMatchObject({ state: "ok", detail: expect.stringContaining("domains, tools") });
    contracts.set({ suspended: true });
    await eventually("suspended", () => up.lines().find((line) => line["event"] === "governance" && line["suspended"] === true));
    await eventually("stopped", () => up.lines().find((line) => line["event"] === "process" && line["status"] === "stopped"));
    // The daemon writes what it knows a moment after it happens.
    await eventually("said", async () => (await told("status")).includes("suspended: agents stay stopped"));
    expect((await checks()).get("governance")).toMatchObject({ state: "warn" });
  });

  it("the bundle's proxy refuses and carries", async () => {
    contracts.set({ ...RULES, egress: [{ cidr: "127.0.0.1/32", ports: [server.port], protocol: "TCP" }] }, true);
    // It asks twice through what its environment names, like every program.
    const script = "const http = require('http'); const ask = (path) => http.request({ host: '127.0.0.1', port: new URL(process.env.HTTPS_PROXY).port, method: 'CONNECT', path }).on('connect', (r, s) => { console.log(path.split(':')[0], r.statusCode); s.destroy(); }).end();";
    writeFileSync(join(home.path, "agent.cjs"), `${script} ask('127.0.0.1:${server.port}'); ask('evil.test:443'); setInterval(Date, 1000);`);
    sett(["up", "--json", "--no-openclaw", "--watch", `gateway="${process.execPath}" "${join(home.path, "agent.cjs")}"`]);
    const log = join(home.path, "logs", "gateway.log");
    await eventually("both answered", () => server.beats.length > 0 && /127\.0\.0\.1 200/.test(readText(log) ?? "") && /evil\.test 403/.test(readText(log) ?? ""));
    await eventually("told", () => server.beats.some((beat) => JSON.stringify(beat["governance"] ?? null).includes("evil.test:443")));
  });

  it("says what is wrong when the kept contract was spoilt, or the server has a newer one", async () => {
    contracts.set(RULES, true);
    const up = sett(["up", "--json", "--no-openclaw", "--watch", WATCH]);
    await eventually("governed", () => up.lines().find((line) => line["event"] === "governance" && line["ok"] === true));
    up.child.kill("SIGTERM");
    await up.end;
    contracts.set({}, true);
    const behind = await checks();
    expect(behind.get("contract sync")).toMatchObject({ state: "warn", detail: expect.stringContaining("revision 2") });
    expect(behind.get("enforcement")).toMatchObject({ state: "warn" });
    writeFileSync(join(home.path, "contract.json"), "{}");
    expect((await checks()).get("governance")).toMatchObject({ state: "fail", detail: expect.stringContaining("every domain is denied") });
  });
});
