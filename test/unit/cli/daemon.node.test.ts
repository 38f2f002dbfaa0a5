import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findAuth, saveAuth, type Auth } from "../../../cli/src/core/auth-store";
import { ApiClient } from "../../../cli/src/core/http";
import { Logger } from "../../../cli/src/core/log";
import { settPaths } from "../../../cli/src/core/paths";
import { Daemon } from "../../../cli/src/daemon/daemon";
import type { DaemonOptions } from "../../../cli/src/daemon/daemon-options";
import type { DaemonEnd } from "../../../cli/src/daemon/daemon-end";
import type { DaemonEvent } from "../../../cli/src/daemon/events";
import { LINK_TIMINGS } from "../../../cli/src/link/link";
import { WATCH_TIMINGS } from "../../../cli/src/watch/watcher";
import type { WatchEntry } from "../../../cli/src/watch/watch-entry";
import { FakeServer } from "./fake-server";
import { eventually, IDLE_COMMAND, pidExists, temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const LINKS = { ...LINK_TIMINGS, openMs: 2_000, answerMs: 300, backoffBaseMs: 20, backoffCapMs: 100, shortLifeMs: 0 };
const WATCH = { ...WATCH_TIMINGS, pollMs: 50, adoptedPollMs: 30, stopMs: 1_000, settleMs: 60, comeBackMs: 2_000 };
const DEMO: WatchEntry = { name: "demo", command: IDLE_COMMAND, restart: "always", gateway: false };

let server: FakeServer;
let home: ReturnType<typeof temporaryHome>;
let running: Array<{ readonly daemon: Daemon; readonly end: Promise<DaemonEnd> }>;

beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  home = temporaryHome();
  running = [];
  vi.stubEnv("SETT_INSTANCE_ID", "machine-1");
  vi.stubEnv("SETT_FINGERPRINT", "f".repeat(64));
});

afterEach(async () => {
  for (const { daemon, end } of running) {
    daemon.stop();
    await end;
  }
  await server.kill();
  home.remove();
  vi.unstubAllEnvs();
});

function startDaemon(changes: Partial<DaemonOptions> = {}) {
  const paths = settPaths(home.path);
  const auth: Auth = findAuth(paths) ?? { server: server.url, access_token: server.token, user_id: null, expires_at: null, instance_id: null };
  saveAuth(paths, auth);
  const events: DaemonEvent[] = [];
  const daemon = new Daemon({
    paths,
    auth,
    api: new ApiClient(server.url, auth.access_token),
    label: "box",
    transport: "socket",
    configFile: paths.config,
    configMustExist: false,
    flagEntries: [],
    leaveRunning: false,
    openclaw: false,
    log: new Logger(paths.daemonLog, [auth.access_token]),
    onEvent: (event) => events.push(event),
    linkTimings: LINKS,
    watchTimings: WATCH,
    ...changes,
  });
  const end = daemon.run();
  running.push({ daemon, end });
  const seen = (name: DaemonEvent["event"]): DaemonEvent[] => events.filter((event) => event.event === name);
  return { daemon, end, events, seen, paths };
}

const lastBeat = (): Record<string, unknown> => server.beats.at(-1) ?? {};

describe("a linked machine", () => {
  it("registers, links, beats real figures, and says goodbye", async () => {
    server.mintedInstance = "machine-minted";
    const { daemon, end, seen, paths } = startDaemon({ flagEntries: [DEMO] });
    await eventually("a beat with a running gateway", () => lastBeat()["gateway_status"] === "running");
    expect(server.registers[0]).toMatchObject({ instance_id: "machine-1", label: "box", online: true });
    expect(findAuth(paths)?.instance_id).toBe("machine-minted");
    expect(server.socketQueries[0]).toContain("instance_id=machine-minted");
    const beat = lastBeat();
    expect(beat).toMatchObject({ t: "beat", os: process.platform, gateway_status: "running", capabilities: { hermes: { installed: false } }, daemon: { pid: process.pid } });
    expect(beat["mem_free_mb"]).toBeGreaterThan(0);
    expect(beat["mem_total_mb"]).toBeGreaterThan(beat["mem_free_mb"] as number);
    expect(beat["cpu_count"]).toBeGreaterThan(0);
    expect(beat["gateway_pid"]).toBe((beat["watched"] as Array<{ pid: number }>)[0]?.pid);
    const pid = beat["gateway_pid"] as number;
    daemon.stop();
    expect((await end).exitCode).toBe(0);
    expect(server.byes).toBe(1);
    expect(pidExists(pid)).toBe(false);
    expect(seen("goodbye")).toHaveLength(1);
    expect(readFileSync(paths.daemonLog, "utf8")).not.toContain(server.token);
  });

  it("tells a crash at once, and brings the process back", async () => {
    startDaemon({ flagEntries: [DEMO], crashPolicy: { baseMs: 30, capMs: 100, limit: 5, windowMs: 60_000, stableMs: 60_000 } });
    const pid = await eventually("running", () => lastBeat()["gateway_status"] === "running" && (lastBeat()["gateway_pid"] as number));
    process.kill(pid, "SIGKILL");
    await eventually("running again", () => lastBeat()["gateway_status"] === "running" && lastBeat()["gateway_pid"] !== pid);
    const statuses = server.beats.map((beat) => beat["gateway_status"]);
    expect(statuses).toContain("crashed");
    expect(lastBeat()["watched"]).toMatchObject([{ name: "demo", restarts: 1 }]);
  });

  it("beats at the pace it is asked for", async () => {
    startDaemon();
    await eventually("linked", () => server.linked && server.beats.length > 0);
    const before = server.beats.length;
    server.sendAll({ t: "pace", beat_ms: 250, until: new Date(Date.now() + 60_000).toISOString() });
    await eventually("more beats", () => server.beats.length >= before + 2);
  });

  it("notices a dead socket by the missing pong and links again from where it was", async () => {
    server.seq = 41;
    const { seen } = startDaemon({ linkTimings: { ...LINKS, pingMs: 40, pongWaitMs: 40 } });
    await eventually("pings answered", () => server.pings >= 2);
    server.deliver(server.addCommand("c-1", "bot_refresh"));
    await eventually("command failed politely", () => server.commands.get("c-1")?.status === "failed");
    server.answerPings = false;
    await eventually("unlinked", () => seen("unlinked").length > 0);
    server.answerPings = true;
    await eventually("linked again", () => server.socketQueries.length >= 2 && server.linked);
    expect(server.socketQueries[0]).not.toContain("last_event_id");
    expect(server.socketQueries.at(-1)).toContain("last_event_id=42");
  });
});

describe("commands", () => {
  it("executes an id once although it comes twice, and again after the result", async () => {
    const { seen } = startDaemon({ flagEntries: [DEMO] });
    const pid = await eventually("running", () => lastBeat()["gateway_status"] === "running" && (lastBeat()["gateway_pid"] as number));
    const command = server.addCommand("c-1", "restart_gateway");
    server.deliver(command);
    server.deliver(command);
    await eventually("result", () => command.results.length > 0);
    expect(command.acks).toBeGreaterThan(0);
    expect(command.results[0]).toMatchObject({ status: "success" });
    expect(String(command.results[0]?.["result"])).toMatch(new RegExp(`^restarted demo: pid ${pid} → \\d+ in \\d+\\.\\d s$`));
    await eventually("the daemon knows it was taken", () => seen("result").some((event) => "delivered" in event && event.delivered));
    server.deliver(command);
    await eventually("the recorded result again", () => command.results.length > 1);
    expect(command.results[1]).toEqual(command.results[0]);
    expect(seen("process").filter((event) => "status" in event && event.status === "restarting")).toHaveLength(1);
    await eventually("the beat after it", () => lastBeat()["gateway_status"] === "running" && lastBeat()["gateway_pid"] !== pid);
    expect(lastBeat()["watched"]).toMatchObject([{ restarts: 1 }]);
  });

  it("sends a lost result again after the server came back, and runs nothing twice", async () => {
    const { seen } = startDaemon({ flagEntries: [DEMO] });
    await eventually("running", () => lastBeat()["gateway_status"] === "running");
    server.loseResults = true;
    const command = server.addCommand("c-1", "restart_gateway", { name: "demo" });
    server.deliver(command);
    await eventually("done here", () => seen("result").length > 0);
    await server.kill();
    await eventually("unlinked", () => seen("unlinked").length > 0);
    server.loseResults = false;
    await server.start();
    await eventually("result", () => command.results.length > 0);
    expect(command.results[0]).toMatchObject({ status: "success" });
    expect(seen("command")).toHaveLength(1);
  });

  it("reports a command that was cut short, and runs one that was only received", async () => {
    const paths = settPaths(home.path);
    const lines = [
      { id: "c-cut", type: "restart_gateway", state: "received", payload: {} },
      { id: "c-cut", type: "restart_gateway", state: "started" },
      { id: "c-new", type: "restart_gateway", state: "received", payload: { name: "demo" } },
    ];
    writeFileSync(paths.journal, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"id":"torn`);
    for (const id of ["c-cut", "c-new"]) server.addCommand(id, "restart_gateway").status = "acknowledged";
    startDaemon({ flagEntries: [DEMO] });
    await eventually("both results", () => [...server.commands.values()].every((command) => command.results.length > 0));
    expect(server.commands.get("c-cut")?.results[0]).toMatchObject({ status: "failed", result: "interrupted: the daemon stopped while this ran" });
    expect(server.commands.get("c-new")?.results[0]).toMatchObject({ status: "success" });
  });

  it("fails honestly what it cannot do", async () => {
    startDaemon();
    await eventually("linked", () => server.linked);
    server.deliver(server.addCommand("a", "start_claude_code"));
    server.deliver(server.addCommand("b", "restart_gateway"));
    server.deliver(server.addCommand("c", "restart_gateway", { name: "nobody" }));
    server.deliver(server.addCommand("d", "update_cli", { version: "--evil" }));
    await eventually("four results", () => [...server.commands.values()].every((command) => command.results.length > 0));
    const texts = [...server.commands.values()].map((command) => `${String(command.results[0]?.["status"])}: ${String(command.results[0]?.["result"])}`);
    expect(texts).toEqual([
      "failed: this daemon cannot do start_claude_code yet",
      "failed: nothing to restart: no openclaw gateway was found and no process is watched",
      'failed: no watched process is called "nobody"',
      'failed: "--evil" is neither a version nor a tag',
    ]);
  });

  it("updates through the configured command and proves the new version", async () => {
    const binary = join(home.path, "new-sett.mjs");
    const make = "require('fs').writeFileSync(process.argv[1], 'console.log(\"9.8.7\")'); console.log('installed', process.argv[2])";
    writeFileSync(settPaths(home.path).config, JSON.stringify({ update: { package: "@acme/sett", command: [process.execPath, "-e", make, binary, "{package}@{version}"], binary } }));
    const { end } = startDaemon();
    await eventually("linked", () => server.linked);
    const wrong = server.addCommand("wrong", "update_cli", { version: "9.9.9" });
    server.deliver(wrong);
    await eventually("failed", () => wrong.results.length > 0);
    expect(wrong.results[0]).toMatchObject({ status: "failed", new_version: null });
    const right = server.addCommand("right", "update_cli", { version: "9.8.7" });
    server.deliver(right);
    expect((await end).handover).toEqual([process.execPath, binary]);
    expect(right.results[0]).toMatchObject({ status: "success", new_version: "9.8.7" });
    expect(String(right.results[0]?.["result"])).toContain("installed @acme/sett@9.8.7");
    expect(server.byes).toBe(0);
  });
});

describe("transports", () => {
  it("falls back to the stream where sockets are blocked, and does commands there", async () => {
    server.socketStatus = 426;
    const { daemon, end, seen } = startDaemon({ flagEntries: [DEMO] });
    await eventually("linked by the stream", () => server.streaming && seen("linked").length > 0);
    expect(seen("linked")).toMatchObject([{ transport: "sse" }]);
    await eventually("a beat by HTTP", () => lastBeat()["instance_id"] === "machine-1" && lastBeat()["gateway_status"] === "running");
    const command = server.addCommand("c-1", "restart_gateway");
    server.deliver(command);
    server.deliver(command);
    await eventually("result", () => command.results.length > 0);
    expect(command.results[0]).toMatchObject({ status: "success" });
    server.dropLinks();
    await eventually("streaming again", () => server.streamRequests.length > 1 && seen("linked").length > 1);
    expect(server.streamRequests.at(-1)?.lastEventId).toBe("2");
    daemon.stop();
    await end;
    expect(server.disconnects).toBe(1);
  });

  it("falls back to beats alone, and climbs to the socket when it opens", async () => {
    server.socketStatus = 404;
    server.streamStatus = 404;
    const { seen } = startDaemon({ linkTimings: { ...LINKS, climbMs: 300 } });
    await eventually("linked by beats", () => seen("linked").some((event) => "transport" in event && event.transport === "beats"));
    await eventually("a beat", () => server.beats.length > 0);
    server.socketStatus = undefined;
    await eventually("linked by socket", () => seen("linked").some((event) => "transport" in event && event.transport === "socket"));
    expect(server.linked).toBe(true);
  });

  it("keeps the socket as its choice while the server is away", async () => {
    const { seen } = startDaemon();
    await eventually("linked", () => server.linked);
    await server.kill();
    await eventually("several tries", () => seen("waiting").length > 5);
    await server.start();
    await eventually("linked again", () => server.linked);
    expect(seen("linked").every((event) => "transport" in event && event.transport === "socket")).toBe(true);
  });
});

describe("being sent away", () => {
  it.each([
    [4401, 3, /revoked/],
    [4410, 5, /deleted/],
    [4409, 5, /another daemon/],
  ])("stops at close code %i with exit code %i", async (code, exitCode, message) => {
    const { end } = startDaemon();
    await eventually("linked", () => server.linked && server.beats.length > 0);
    server.closeSockets(code);
    const result = await end;
    expect(result.exitCode).toBe(exitCode);
    expect(result.message).toMatch(message);
    expect(server.byes).toBe(0);
  });

  it("stops at refusals before the link, and at 410 for a beat", async () => {
    server.registerStatus = 403;
    const refused = await startDaemon().end;
    expect(refused).toMatchObject({ exitCode: 5, message: "trial_abuse" });
    server.registerStatus = undefined;
    server.heartbeatStatus = 410;
    const gone = await startDaemon({ transport: "beats" }).end;
    expect(gone.exitCode).toBe(5);
    expect(gone.hint).toContain("sett up");
  });

  it("reconnects after 1012", async () => {
    startDaemon();
    await eventually("linked", () => server.linked && server.beats.length > 0);
    server.closeSockets(1012);
    await eventually("linked again", () => server.socketQueries.length > 1 && server.linked);
  });
});

describe("config", () => {
  it("applies changes while it runs and keeps the old config when the new one is broken", async () => {
    const { seen, paths } = startDaemon();
    await eventually("linked", () => server.linked);
    writeFileSync(paths.config, JSON.stringify({ watch: [{ name: "web", command: [...IDLE_COMMAND] }] }));
    await eventually("web runs", () => (lastBeat()["watched"] as Array<{ name: string; status: string }> | undefined)?.some((item) => item.name === "web" && item.status === "running"));
    writeFileSync(paths.config, "{ broken");
    await eventually("a complaint", () => seen("config").some((event) => "ok" in event && !event.ok));
    expect(lastBeat()["watched"]).toMatchObject([{ name: "web", status: "running" }]);
  });
});
