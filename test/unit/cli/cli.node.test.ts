import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeServer } from "./fake-server";
import { eventually, pidExists, temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

type Json = Record<string, unknown>;

const bundleHome = temporaryHome();
const bundle = join(bundleHome.path, "sett.mjs");
const VERSION = "1.2.3";
const DEMO = `demo="${process.execPath}" -e "console.log('demo is up'); setInterval(Date, 1000)"`;

let server: FakeServer;
let home: ReturnType<typeof temporaryHome>;
let started: ChildProcess[];

beforeAll(() => {
  const build = fileURLToPath(new URL("../../../cli/build.mjs", import.meta.url).href);
  execFileSync(process.execPath, [build, bundle], { env: { ...process.env, SETT_BUILD_VERSION: VERSION } });
});

afterAll(() => bundleHome.remove());

beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  home = temporaryHome();
  started = [];
});

afterEach(async () => {
  for (const child of started) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  }
  await eventually("all ended", () => started.every((child) => child.exitCode !== null || child.signalCode !== null));
  await server.kill();
  home.remove();
});

interface Run {
  readonly child: ChildProcess;
  readonly lines: () => Json[];
  readonly text: () => string;
  readonly find: (event: string) => Json | undefined;
  readonly end: Promise<number | null>;
}

function sett(args: readonly string[], input?: string): Run {
  const env = { ...process.env, SETT_HOME: home.path, SETT_INSTANCE_ID: "box-1", SETT_FINGERPRINT: "f".repeat(64), NO_COLOR: "1" };
  const child = spawn(process.execPath, [bundle, ...args, "--server", server.url], { env, stdio: ["pipe", "pipe", "pipe"] });
  started.push(child);
  child.stdin.end(input ?? "");
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const lines = (): Json[] => out.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Json] : []));
  return {
    child,
    lines,
    text: () => out + err,
    find: (event) => lines().find((line) => line["event"] === event),
    end: new Promise((resolve) => child.once("close", (code) => resolve(code))),
  };
}

async function loggedIn(): Promise<void> {
  expect(await sett(["login", "--token", "-", "--quiet"], `${server.token}\n`).end).toBe(0);
}

async function demoUp(...more: string[]): Promise<{ readonly run: Run; readonly pid: number }> {
  const run = sett(["up", "--json", "--no-openclaw", "--watch", DEMO, ...more]);
  await eventually("linked", () => run.find("linked"));
  const pid = await eventually("demo runs", () => run.lines().find((line) => line["event"] === "process" && line["status"] === "running")?.["pid"] as number | undefined);
  return { run, pid };
}

describe("login and logout", () => {
  it("logs in through the browser flow and keeps the token private", async () => {
    const run = sett(["login", "--json", "--no-browser"]);
    await eventually("the address", () => run.find("auth_url"));
    expect(run.lines()[0]).toEqual({ event: "auth_url", auth_url: `${server.url}/cli-auth?code=abc`, code: "abc" });
    server.loginReady = true;
    expect(await run.end).toBe(0);
    expect(run.lines()[1]).toEqual({ event: "complete", user_id: "@ada:test", expires_at: "2099-01-01T00:00:00Z" });
    expect(run.text()).not.toContain(server.token);
    const path = join(home.path, "auth.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ server: server.url, access_token: server.token, user_id: "@ada:test", expires_at: "2099-01-01T00:00:00Z", instance_id: null });
  });

  it("refuses a dead token, and says what to do without a login or a server", async () => {
    const dead = sett(["login", "--token", "wrong"]);
    expect(await dead.end).toBe(3);
    expect(existsSync(join(home.path, "auth.json"))).toBe(false);
    const without = sett(["up", "--json"]);
    expect(await without.end).toBe(3);
    expect(without.find("error")).toMatchObject({ code: "not_logged_in", hint: "Run: sett login" });
    await loggedIn();
    await server.kill();
    expect(await sett(["machines"]).end).toBe(4);
    expect(await sett(["doctor"]).end).toBe(6);
    expect(await sett(["nonsense"]).end).toBe(2);
  });

  it("takes the machine offline at logout", async () => {
    await loggedIn();
    const { run } = await demoUp();
    expect(await sett(["logout"]).end).toBe(0);
    expect(await run.end).toBe(0);
    expect(server.registers.at(-1)).toMatchObject({ instance_id: "box-1", online: false });
    expect(existsSync(join(home.path, "auth.json"))).toBe(false);
  });
});

describe("the daemon as a process", () => {
  it("says goodbye at SIGTERM, takes its child along, and lets no second daemon in", async () => {
    await loggedIn();
    const { run, pid } = await demoUp();
    const second = sett(["up", "--json"]);
    expect(await second.end).toBe(1);
    expect(second.find("error")?.["message"]).toBe(`sett is already running here as pid ${run.child.pid ?? 0}`);
    run.child.kill("SIGTERM");
    expect(await run.end).toBe(0);
    expect(server.byes).toBe(1);
    expect(pidExists(pid)).toBe(false);
    expect(run.lines().at(-1)).toMatchObject({ event: "goodbye", reason: "stopped" });
  });

  it("adopts the child of a killed daemon instead of starting a second copy", async () => {
    await loggedIn();
    const first = await demoUp();
    first.run.child.kill("SIGKILL");
    await first.run.end;
    expect(pidExists(first.pid)).toBe(true);
    const second = await demoUp();
    expect(second.pid).toBe(first.pid);
    const command = server.addCommand("c-1", "restart_gateway");
    server.deliver(command);
    await eventually("restarted", () => command.results.length > 0);
    expect(command.results[0]).toMatchObject({ status: "success" });
    expect(pidExists(first.pid)).toBe(false);
    // Killed before it could note its child: the mark in the child's environment is enough (Linux).
    const third = Number(/→ (\d+)/.exec(String(command.results[0]?.["result"]))?.[1]);
    second.run.child.kill("SIGKILL");
    await second.run.end;
    if (process.platform === "linux") writeFileSync(join(home.path, "run", "demo.json"), "");
    const last = await demoUp();
    expect(last.pid).toBe(third);
  });

  it("leaves its child running when told to, and a new command replaces it", async () => {
    await loggedIn();
    const first = await demoUp("--leave-running");
    first.run.child.kill("SIGTERM");
    await first.run.end;
    expect(pidExists(first.pid)).toBe(true);
    const other = sett(["up", "--json", "--no-openclaw", "--watch", `demo="${process.execPath}" -e "setInterval(Date, 999)"`]);
    await eventually("replaced", () => other.lines().some((line) => line["event"] === "process" && line["status"] === "running" && line["pid"] !== first.pid));
    expect(pidExists(first.pid)).toBe(false);
  });

  it("runs in the background, is seen by the other commands, and goes down", async () => {
    await loggedIn();
    const detached = sett(["up", "--detach", "--json", "--no-openclaw", "--watch", DEMO]);
    expect(await detached.end).toBe(0);
    const pid = detached.find("detached")?.["pid"] as number;
    try {
      expect(detached.find("detached")).toMatchObject({ link: "socket" });
      const status = sett(["status", "--json"]);
      expect(await status.end).toBe(0);
      expect(status.lines()[0]).toMatchObject({ instance_id: "box-1", daemon: { running: true, pid }, machines: [{ instanceId: "box-1" }] });
      const restart = sett(["restart", "--wait", "--json"]);
      expect(await restart.end).toBe(0);
      expect(restart.find("completed")).toMatchObject({ status: "success" });
      const people = sett(["status"]);
      expect(await people.end).toBe(0);
      expect(people.text()).toMatch(/demo +running/);
      const doctor = sett(["doctor", "--json"]);
      expect(await doctor.end).toBe(0);
      expect(server.linked).toBe(true);
      const logs = sett(["logs", "demo", "-n", "1"]);
      expect(await logs.end).toBe(0);
      expect(logs.text()).toBe("demo is up\n");
      const own = sett(["logs"]);
      expect(await own.end).toBe(0);
      expect(own.text()).toContain("daemon.linked");
    } finally {
      const down = sett(["down", "--json"]);
      expect(await down.end).toBe(0);
      expect(down.find("stopped")).toMatchObject({ pid });
    }
    expect(pidExists(pid)).toBe(false);
  });

  it("hands over to the version it installed, in its own place", async () => {
    await loggedIn();
    const next = join(home.path, "next.mjs");
    const update = { command: [process.execPath, "-e", "require('fs').copyFileSync(process.argv[1], process.argv[2])", `${next}.new`, next], binary: next };
    writeFileSync(`${next}.new`, readFileSync(bundle, "utf8").replaceAll(`"${VERSION}"`, '"4.5.6"'));
    writeFileSync(join(home.path, "config.json"), JSON.stringify({ update }));
    const { run, pid } = await demoUp();
    const command = server.addCommand("u-1", "update_cli", { version: "4.5.6" });
    server.deliver(command);
    await eventually("the new version beats", () => server.beats.some((beat) => beat["cli_version"] === "4.5.6"));
    expect(command.results).toHaveLength(1);
    expect(command.results[0]).toMatchObject({ status: "success", new_version: "4.5.6" });
    expect(server.beats.at(-1)?.["gateway_pid"]).toBe(pid);
    run.child.kill("SIGTERM");
    await eventually("the new one said goodbye", () => server.byes === 1);
    expect(await run.end).toBe(0);
  });
});

describe("a new version that does not start", () => {
  it("leaves the old one at work", async () => {
    await loggedIn();
    const next = join(home.path, "next.mjs");
    const broken = `if (process.argv.includes("--version")) console.log("4.5.6"); else throw new Error("broken");`;
    writeFileSync(join(home.path, "config.json"), JSON.stringify({ update: { command: [process.execPath, "-e", `require("fs").writeFileSync(${JSON.stringify(next)}, ${JSON.stringify(broken)})`], binary: next } }));
    const { run, pid } = await demoUp();
    server.deliver(server.addCommand("u-1", "update_cli", { version: "4.5.6" }));
    await eventually("linked a second time", () => run.lines().filter((line) => line["event"] === "linked").length === 2);
    await eventually("beats again", () => server.beats.at(-1)?.["cli_version"] === VERSION && server.linked);
    expect(server.beats.at(-1)?.["gateway_pid"]).toBe(pid);
  });
});

describe("the command line", () => {
  it("prints version, help, exit codes and completions", async () => {
    const version = sett(["--version"]);
    expect(await version.end).toBe(0);
    expect(version.text().trim()).toBe(VERSION);
    const codes = sett(["help", "exit-codes"]);
    expect(await codes.end).toBe(0);
    expect(codes.text().trim().split("\n")).toHaveLength(7);
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = sett(["completion", shell]);
      expect(await script.end).toBe(0);
      expect(script.text()).toContain("restart");
    }
  });
});
