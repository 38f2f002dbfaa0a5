import { spawn } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../../cli/src/core/config";
import { readText } from "../../../cli/src/core/files";
import { rotateOpenLog } from "../../../cli/src/core/log";
import { settPaths } from "../../../cli/src/core/paths";
import { parseMemAvailable } from "../../../cli/src/daemon/machine-facts";
import { acquireLock } from "../../../cli/src/daemon/lock";
import { ProgramFinder, runningPidFromStatus, versionFromText } from "../../../cli/src/watch/openclaw";
import { identify, isAlive, parseProcStat } from "../../../cli/src/watch/process-info";
import { findByPattern, findOpenclawGateway, ownLineage, parseCmdline, parsePsOutput, type ProcessRow } from "../../../cli/src/watch/process-table";
import { runCommand } from "../../../cli/src/watch/run-command";
import { Supervisor } from "../../../cli/src/watch/supervisor";
import { parseWatchFlag, splitCommand, type WatchEntry } from "../../../cli/src/watch/watch-entry";
import { WATCH_TIMINGS, type WatchChange } from "../../../cli/src/watch/watcher";
import { readTail } from "../../../cli/src/commands/logs";
import { eventually, IDLE_COMMAND, pidExists, temporaryHome } from "./support";

// Real processes and sockets on a busy machine: the limit is against hanging, not a measure.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const TIMINGS = { ...WATCH_TIMINGS, pollMs: 40, adoptedPollMs: 30, stopMs: 600, settleMs: 60, comeBackMs: 800 };
const POLICY = { baseMs: 20, capMs: 100, limit: 3, windowMs: 60_000, stableMs: 60_000 };

let home: ReturnType<typeof temporaryHome>;
let cleanups: Array<() => unknown>;

beforeEach(() => {
  home = temporaryHome();
  cleanups = [];
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  home.remove();
});

function supervise(entries: readonly WatchEntry[], openclaw = false) {
  const changes: WatchChange[] = [];
  const supervisor = new Supervisor({ paths: settPaths(home.path), timings: TIMINGS, policy: POLICY, openclaw, onChange: (change) => changes.push(change) });
  supervisor.start(entries);
  cleanups.push(() => supervisor.close(false));
  const status = (name: string): string | undefined => supervisor.watched().find((item) => item.name === name)?.status;
  return { supervisor, changes, status };
}

/** A process that is not the supervisor's, but ends with the test. */
function foreign(...argv: readonly string[]): number {
  const [program, ...args] = argv;
  const child = spawn(program ?? "", args, { stdio: "ignore" });
  cleanups.push(() => child.kill("SIGKILL"));
  return child.pid ?? 0;
}

const entry = (changes: Partial<WatchEntry>): WatchEntry => ({ name: "demo", restart: "always", gateway: false, ...changes });

describe("process tables", () => {
  const row = (pid: number, ppid: number, ...argv: string[]): ProcessRow => ({ pid, ppid, argv });

  it("parses ps, /proc stat and command lines", () => {
    expect(parsePsOutput("    1     0 /sbin/launchd\n  42     1 node /x/openclaw gateway run \n\n")).toEqual([row(1, 0, "/sbin/launchd"), row(42, 1, "node", "/x/openclaw", "gateway", "run")]);
    const stat = `77 (a ) b (c)) S 5 77 76 0 -1 4194304 ${Array.from({ length: 12 }, (_, index) => index).join(" ")} 998877 1 2 3`;
    expect(parseProcStat(stat)).toEqual({ state: "S", ppid: 5, group: 77, session: 76, startTicks: "998877" });
    expect(parseProcStat("nonsense")).toBeUndefined();
    expect(parseCmdline("node\0a b\0\0-x\0")).toEqual(["node", "a b", "", "-x"]);
    expect(parseCmdline("openclaw-gateway\0\0\0\0")).toEqual(["openclaw-gateway"]);
  });

  it("finds the openclaw gateway and not its errands, editors or wrappers", () => {
    const real = [
      row(10, 1, "node", "/usr/lib/node_modules/openclaw/dist/index.js", "gateway", "--port", "18789"),
      row(11, 1, "openclaw", "gateway", "run"),
      row(12, 1, "openclaw-gateway"),
      row(13, 1, "/usr/bin/node", "/opt/bin/openclaw", "gateway"),
    ];
    for (const one of real) expect(findOpenclawGateway([one], new Set())?.pid).toBe(one.pid);
    const not = [
      row(20, 1, "openclaw", "gateway", "status", "--json"),
      row(21, 1, "openclaw", "gateway", "restart"),
      row(22, 1, "vim", "openclaw", "gateway"),
      row(23, 1, "sh", "-c", "openclaw gateway"),
      row(24, 1, "node", "/x/sett", "up", "--watch", "gw=openclaw gateway"),
      row(25, 1, "openclaw", "agent"),
      row(26, 1, "openclaw-gateway-ui", "x"),
      row(27, 1, "gateway", "openclaw"),
    ];
    expect(findOpenclawGateway(not, new Set())).toBeUndefined();
    expect(findOpenclawGateway(real, new Set([10]))?.pid).toBe(11);
  });

  it("finds a server and not its workers, its shell or ourselves", () => {
    const rows = [row(2, 1, "sett"), row(3, 2, "sh", "-c", "srv"), row(4, 3, "srv", "master"), row(5, 4, "srv", "worker"), row(9, 2, "me", "srv")];
    expect(ownLineage(rows, 9)).toEqual(new Set([9, 2]));
    expect(findByPattern(rows, /srv/, new Set([9]))?.pid).toBe(4);
    expect(findByPattern(rows.slice(0, 2), /srv/, new Set())?.pid).toBe(3);
    expect(findByPattern(rows, /nothing/, new Set())).toBeUndefined();
  });

  it("knows a process by pid and start, and a dead one as dead", async () => {
    const self = identify(process.pid);
    expect(self !== undefined && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, start: "other" })).toBe(self?.start === null);
    expect(identify(0)).toBeUndefined();
    expect(identify(2 ** 22 + 12345)).toBeUndefined();
    expect(parseMemAvailable("MemTotal:  9 kB\nMemAvailable:   2048 kB\n")).toBe(2_097_152);
    expect(runningPidFromStatus('{"service":{"loaded":true,"runtime":{"status":"running","pid":77}}}')).toBe(77);
    expect(runningPidFromStatus('{"service":{"runtime":{"status":"stopped","pid":77}}}')).toBeUndefined();
    expect(versionFromText("openclaw 2026.9.6 (abc)")).toBe("2026.9.6");
  });
});

describe("what is to be watched", () => {
  it("splits command lines as a shell would, and leaves shell syntax to a shell", () => {
    expect(splitCommand(`node "my file.js" --x='a b' c\\ d ""`)).toEqual(["node", "my file.js", "--x=a b", "c d", ""]);
    expect(splitCommand("a | b")).toEqual(["sh", "-c", "a | b"]);
    expect(splitCommand('echo "$HOME"')).toEqual(["sh", "-c", 'echo "$HOME"']);
    expect(splitCommand("echo 'a | b'")).toEqual(["echo", "a | b"]);
    expect(() => splitCommand("echo 'x")).toThrow(/open/);
    expect(parseWatchFlag("web=node a.js --k=v")).toMatchObject({ name: "web", command: ["node", "a.js", "--k=v"] });
    for (const bad of ["web", "=x", "we b=x", "web=", "../x=y"]) expect(() => parseWatchFlag(bad)).toThrow();
  });

  it("reads a config and names what is wrong in it", () => {
    const config = parseConfig('{"watch":[{"name":"a","command":["x"],"restart":"on-crash","gateway":true},{"name":"b","match":"srv","restart_command":["r"]}],"update":{"package":"p"}}');
    expect(config.watch).toEqual([
      { name: "a", command: ["x"], restart: "on-crash", gateway: true },
      { name: "b", match: "srv", restartCommand: ["r"], restart: "always", gateway: false },
    ]);
    expect(config.update).toEqual({ package: "p", restart: true });
    const wrong: ReadonlyArray<readonly [string, RegExp]> = [
      ["[]", /not a JSON object/],
      ['{"watch":{}}', /watch must be a list/],
      ['{"watch":[{"name":"a b","command":["x"]}]}', /watch\[0\]\.name/],
      ['{"watch":[{"name":"a"}]}', /needs command, match or pidfile/],
      ['{"watch":[{"name":"a","command":"x"}]}', /list of words/],
      ['{"watch":[{"name":"a","command":["x"],"match":"y"}]}', /choose one/],
      ['{"watch":[{"name":"a","match":"("}]}', /regular expression/],
      ['{"watch":[{"name":"a","pidfile":"x"}]}', /absolute/],
      ['{"watch":[{"name":"a","command":["x"],"restart":"maybe"}]}', /restart must be/],
      ['{"watch":[{"name":"a","command":["x"],"env":{"A":1}}]}', /env\.A/],
      ['{"watch":[{"name":"a","command":["x"]},{"name":"a","command":["x"]}]}', /twice/],
    ];
    for (const [text, message] of wrong) expect(() => parseConfig(text)).toThrow(message);
  });
});

describe("children", () => {
  it("gives up on a crash loop until a restart is asked for", async () => {
    const flag = join(home.path, "works");
    const command = [process.execPath, "-e", `if (!require("fs").existsSync(${JSON.stringify(flag)})) process.exit(3); setInterval(Date, 1000)`];
    const { supervisor, changes, status } = supervise([entry({ command })]);
    await eventually("gave up", () => changes.some((change) => change.detail.includes("not tried again")));
    expect(changes.filter((change) => change.status === "crashed")).toHaveLength(POLICY.limit);
    expect(changes.find((change) => change.status === "crashed")?.detail).toContain("exit code 3");
    expect(supervisor.gateway()).toEqual({ status: "crashed", pid: null });
    expect((await supervisor.restart("demo")).text).toMatch(/ended at once|restarted/);
    writeFileSync(flag, "");
    expect(await supervisor.restart(undefined)).toMatchObject({ ok: true });
    expect(status("demo")).toBe("running");
  });

  it("respects on-crash and never, and reports a program that is not there", async () => {
    const exit = (code: number): readonly string[] => [process.execPath, "-e", `process.exit(${code})`];
    const { status, changes } = supervise([
      entry({ name: "clean", command: exit(0), restart: "on-crash" }),
      entry({ name: "once", command: exit(1), restart: "never" }),
      entry({ name: "missing", command: [join(home.path, "nothing-here")] }),
    ]);
    await eventually("all settled", () => status("clean") === "stopped" && status("once") === "crashed" && changes.some((change) => change.name === "missing" && change.detail.includes("not tried again")));
    expect(changes.find((change) => change.name === "missing")?.detail).toContain("could not start");
  });

  it("kills a child that will not end, and what it started", async () => {
    const stubborn = `process.on("SIGTERM", () => {}); const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(Date, 1000)"], {stdio: "ignore"}); console.log("grandchild " + c.pid); setInterval(Date, 1000)`;
    const { supervisor } = supervise([entry({ command: [process.execPath, "-e", stubborn] })]);
    const log = join(settPaths(home.path).logs, "demo.log");
    const grandchild = await eventually("the grandchild", () => Number(/grandchild (\d+)/.exec(readFileSync(log, "utf8"))?.[1] ?? 0));
    const outcome = await supervisor.restart("demo");
    expect(outcome.ok).toBe(true);
    await eventually("gone", () => identify(grandchild) === undefined);
  });

  it("shares one restart between two requests", async () => {
    const { supervisor, changes } = supervise([entry({ command: IDLE_COMMAND })]);
    const [first, second] = await Promise.all([supervisor.restart("demo"), supervisor.restart(undefined)]);
    expect(first).toEqual(second);
    expect(changes.filter((change) => change.status === "running")).toHaveLength(2);
  });
});

describe("foreign processes", () => {
  it("sees one by pattern come, die and come back under a restart command", async () => {
    const mark = `sett-test-${process.pid}-${Date.now()}`;
    const script = "setInterval(Date, 1000)";
    const pidfile = join(home.path, "started.pid");
    const starter = `const c = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(script)}, ${JSON.stringify(mark)}], {detached: true, stdio: "ignore"}); require("fs").writeFileSync(${JSON.stringify(pidfile)}, String(c.pid)); c.unref()`;
    // The pattern is anchored at the end, because the starter's own command line quotes the mark.
    const { supervisor, changes, status } = supervise([entry({ match: `${mark}$`, restartCommand: [process.execPath, "-e", starter] })]);
    expect(status("demo")).toBe("not_found");
    expect(supervisor.gateway()).toEqual({ status: "stopped", pid: null });
    const pid = foreign(process.execPath, "-e", script, mark);
    await eventually("found", () => status("demo") === "running");
    process.kill(pid, "SIGKILL");
    await eventually("crashed", () => status("demo") === "crashed");
    const outcome = await supervisor.restart("demo");
    const fresh = Number(readFileSync(pidfile, "utf8"));
    cleanups.push(() => pidExists(fresh) && process.kill(fresh, "SIGKILL"));
    expect(outcome).toMatchObject({ ok: true });
    expect(supervisor.gateway()).toEqual({ status: "running", pid: fresh });
    expect(changes.map((change) => change.status)).toEqual(["running", "crashed", "restarting", "running"]);
  });

  it("tells a crash from a stop by the pid file, and is honest when nothing brings it back", async () => {
    const pidfile = join(home.path, "srv.pid");
    const { supervisor, status } = supervise([entry({ pidfile })]);
    const first = foreign(...IDLE_COMMAND);
    writeFileSync(pidfile, `${first}\n`);
    await eventually("running", () => status("demo") === "running");
    process.kill(first, "SIGKILL");
    await eventually("crashed", () => status("demo") === "crashed");
    const second = foreign(...IDLE_COMMAND);
    writeFileSync(pidfile, String(second));
    await eventually("running again", () => status("demo") === "running");
    const outcome = await supervisor.restart(undefined);
    expect(outcome).toMatchObject({ ok: false });
    expect(outcome.text).toContain("nothing started it again");
    rmSync(pidfile);
    expect(await supervisor.restart("demo")).toMatchObject({ ok: false });
  });
});

describe("the openclaw gateway", () => {
  /** A stand-in for the program: `gateway run` stays, `gateway restart` replaces it, `gateway status` tells nothing. */
  function installOpenclaw(): string {
    const program = join(home.path, "openclaw");
    const pidfile = join(home.path, "openclaw.pid");
    const script = `#!${process.execPath}
      const fs = require("fs"), { spawn } = require("child_process"), pidfile = ${JSON.stringify(pidfile)};
      const verb = process.argv[3];
      if (process.argv[2] === "--version") console.log("openclaw 2026.9.6");
      else if (verb === "run") { fs.writeFileSync(pidfile, String(process.pid)); setInterval(Date, 1000); }
      else if (verb === "restart") {
        try { process.kill(Number(fs.readFileSync(pidfile, "utf8"))); } catch {}
        spawn(process.execPath, [process.argv[1], "gateway", "run"], { detached: true, stdio: "ignore" }).unref();
      } else console.log('{"service":{"runtime":{"status":"stopped"}}}');`;
    writeFileSync(program, script, { mode: 0o755 });
    vi.stubEnv("PATH", `${home.path}:${process.env["PATH"] ?? ""}`);
    cleanups.push(() => {
      vi.unstubAllEnvs();
      const pid = Number(readText(pidfile) ?? 0);
      if (pid > 0 && pidExists(pid)) process.kill(pid, "SIGKILL");
    });
    return program;
  }

  it("is found, stands before watched processes, is missed when it dies, and restarts by its own command", async () => {
    const program = installOpenclaw();
    const { supervisor, changes } = supervise([entry({ command: IDLE_COMMAND })], true);
    expect(supervisor.gateway().pid).toBe(supervisor.watched()[0]?.pid);
    const pid = foreign(process.execPath, program, "gateway", "run");
    await eventually("found", () => supervisor.gateway().pid === pid);
    process.kill(pid, "SIGKILL");
    await eventually("missed", () => supervisor.gateway().status === "crashed");
    const outcome = await supervisor.restart(undefined);
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.text).toContain("restarted openclaw gateway");
    expect(supervisor.gateway()).toMatchObject({ status: "running" });
    expect(changes.filter((change) => change.name === "demo")).toHaveLength(1);
  });

  it("is restarted as our own child when we started it", async () => {
    const program = installOpenclaw();
    const { supervisor } = supervise([entry({ name: "gw", command: [process.execPath, program, "gateway", "run"] })], true);
    await eventually("found", () => supervisor.gateway().status === "running" && supervisor.gateway().pid === supervisor.watched()[0]?.pid);
    const outcome = await supervisor.restart(undefined);
    expect(outcome.text).toContain("restarted gw");
    await eventually("one gateway, the new one", () => supervisor.gateway().pid === supervisor.watched()[0]?.pid);
  });

  it("is reported with its version, once that is known", async () => {
    installOpenclaw();
    let news = 0;
    const finder = new ProgramFinder(() => (news += 1));
    expect(finder.look("openclaw")).toEqual({ installed: true });
    await eventually("the version", () => news > 0);
    expect(finder.look("openclaw")).toEqual({ installed: true, version: "2026.9.6" });
    expect(finder.look("no-such-program")).toEqual({ installed: false });
  });
});

describe("small parts", () => {
  it("limits commands in time and keeps their tail", async () => {
    expect(await runCommand([process.execPath, "-e", "console.log(1); console.error(2); process.exit(4)"], 10_000)).toMatchObject({ code: 4, timedOut: false, stdout: "1\n" });
    expect(await runCommand([process.execPath, "-e", "setInterval(Date, 1000)"], 150)).toMatchObject({ timedOut: true });
    expect(await runCommand([join(home.path, "nothing")], 1_000)).toMatchObject({ code: 127 });
  });

  it("holds one lock, and takes over a dead daemon's", () => {
    const path = join(home.path, "daemon.lock");
    writeFileSync(path, JSON.stringify({ pid: process.pid, start: "an earlier process with this pid" }));
    const release = acquireLock(path);
    expect(() => acquireLock(path)).toThrow(`sett is already running here as pid ${process.pid}`);
    release();
    acquireLock(path)();
    writeFileSync(path, "torn");
    acquireLock(path)();
  });

  it("rotates a log that is held open, and reads the end of a long one", () => {
    const path = join(home.path, "x.log");
    writeFileSync(path, "a\nb\nc\n");
    expect(rotateOpenLog(path, 100)).toBe(false);
    expect(readTail(path, 2)).toEqual({ lines: ["b", "c"], end: 6 });
    expect(rotateOpenLog(path, 3)).toBe(true);
    expect(statSync(path).size).toBe(0);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("a\nb\nc\n");
    expect(readTail(join(home.path, "none"), 5)).toEqual({ lines: [], end: 0 });
  });
});

describe("a process that is held", () => {
  /** Takes a while to end. */
  const SLOW = [process.execPath, "-e", "process.on('SIGTERM', () => setTimeout(() => process.exit(0), 300)); console.log('up', process.pid); setInterval(() => {}, 1000)"];

  it("runs again when it is let go while it is still being stopped", async () => {
    const { supervisor, status } = supervise([entry({ command: SLOW, gateway: true })]);
    const log = join(home.path, "logs", "demo.log");
    const first = await eventually("up", () => /up (\d+)/.exec(readText(log) ?? "")?.[1]);
    const holding = supervisor.hold(true);
    // It has been told to end, and has not yet.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pidExists(Number(first))).toBe(true);
    await Promise.all([holding, supervisor.hold(false)]);
    await eventually("another one runs", () => status("demo") === "running" && supervisor.watched()[0]?.pid !== Number(first));
    expect(pidExists(Number(first))).toBe(false);
  });

  it("runs again afterwards when it had crashed and was just about to be started again", async () => {
    // What it leaves in its group, and what does not want to end, has to before it is started again.
    const left = "process.on('SIGTERM', () => {}); console.log('left', process.pid); setInterval(() => {}, 1000)";
    const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(left)}], { stdio: 'inherit' }); setInterval(() => {}, 1000)`;
    const { supervisor, status } = supervise([entry({ command: [process.execPath, "-e", script], gateway: true })]);
    const log = join(home.path, "logs", "demo.log");
    const leftPid = Number(await eventually("up", () => /left (\d+)/.exec(readText(log) ?? "")?.[1]));
    process.kill(supervisor.watched()[0]?.pid ?? 0, "SIGKILL");
    await eventually("crashed", () => status("demo") === "crashed");
    // Past the wait of the first retry, before the left one is gone.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(pidExists(leftPid)).toBe(true);
    await supervisor.hold(true);
    await eventually("gone", () => !pidExists(leftPid));
    await new Promise((resolve) => setTimeout(resolve, 150));
    await supervisor.hold(false);
    await eventually("runs", () => status("demo") === "running");
  });
});
