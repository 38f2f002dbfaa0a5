import { describe, expect, it } from "vitest";
import { Backoff } from "../../../cli/src/core/backoff";
import { detailText, refusal, retryAfterMs, type ApiAnswer } from "../../../cli/src/core/http";
import { formatDuration, formatTable, wantsColor } from "../../../cli/src/core/output";
import { scrub } from "../../../cli/src/core/log";
import { resolveServer } from "../../../cli/src/core/auth-store";
import { proposeInstanceId } from "../../../cli/src/core/identity";
import { beatChange, nextBeatAt } from "../../../cli/src/daemon/beat";
import { installArgv, isSafeVersion } from "../../../cli/src/daemon/update-cli";
import { fatalFromClose, fatalFromStatus, isTransientCode, parseCommands, parseServerFrame } from "../../../cli/src/link/frames";
import { climb, currentTransport, ladderFor, transportFailed, transportWorks } from "../../../cli/src/link/ladder";
import { openFailureFromStatus } from "../../../cli/src/link/link";
import { SseParser } from "../../../cli/src/link/sse-parser";
import { afterExit, judgeExit, NO_CRASHES } from "../../../cli/src/watch/crash-loop";
import { expiryCheck } from "../../../cli/src/commands/doctor";
import { matchMachines, pickCommand } from "../../../cli/src/commands/restart";
import { browserCommand } from "../../../cli/src/commands/open-browser";
import type { Beat, CommandView, Machine } from "../../../cli/src/core/api-types";

describe("back-off", () => {
  it("doubles up to the cap, keeps jitter inside its half, and starts over", () => {
    const low = new Backoff({ baseMs: 500, capMs: 30_000, random: () => 0 });
    const high = new Backoff({ baseMs: 500, capMs: 30_000, random: () => 1 });
    expect(Array.from({ length: 8 }, () => low.next())).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(Array.from({ length: 8 }, () => high.next())).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    high.reset();
    expect(high.next()).toBe(500);
  });
});

describe("transport ladder", () => {
  it("steps down after three failures and ends at beats", () => {
    let ladder = ladderFor("socket");
    const seen: string[] = [];
    for (let tries = 0; tries < 8; tries += 1) {
      seen.push(currentTransport(ladder));
      ladder = transportFailed(ladder);
    }
    expect(seen).toEqual(["socket", "socket", "socket", "sse", "sse", "sse", "beats", "beats"]);
    expect(currentTransport(ladder)).toBe("beats");
  });

  it("gives a probe one try per rung, and believes a link that lives", () => {
    const onBeats = { ...ladderFor("socket"), level: 2 };
    const probe = climb(onBeats);
    expect(currentTransport(probe)).toBe("socket");
    expect(currentTransport(transportFailed(probe))).toBe("sse");
    expect(currentTransport(transportFailed(transportFailed(probe)))).toBe("beats");
    const works = transportWorks(probe);
    expect(currentTransport(transportFailed(works))).toBe("socket");
  });

  it("never climbs above what was asked for", () => {
    expect(ladderFor("sse").transports).toEqual(["sse", "beats"]);
    expect(climb(ladderFor("beats")).level).toBe(0);
  });
});

describe("opening failures", () => {
  it("tells a blocked transport from a busy, broken or final answer", () => {
    expect(openFailureFromStatus(426, "", undefined, undefined).kind).toBe("unsupported");
    expect(openFailureFromStatus(404, "", undefined, undefined).kind).toBe("unsupported");
    expect(openFailureFromStatus(502, "", undefined, undefined).kind).toBe("unclear");
    expect(openFailureFromStatus(503, "", undefined, 7_000)).toMatchObject({ kind: "busy", retryMs: 7_000 });
    expect(openFailureFromStatus(401, "", fatalFromStatus(401, ""), undefined)).toMatchObject({ kind: "fatal", fatal: { code: "token_dead" } });
  });

  it("reads Retry-After as seconds or as a date", () => {
    expect(retryAfterMs("3", 0)).toBe(3_000);
    expect(retryAfterMs(new Date(10_000).toUTCString(), 4_000)).toBe(6_000);
    expect(retryAfterMs(null, 0)).toBeUndefined();
    expect(retryAfterMs("soon", 0)).toBeUndefined();
  });
});

describe("crash loop", () => {
  const policy = { baseMs: 1_000, capMs: 60_000, limit: 5, windowMs: 300_000, stableMs: 60_000 };

  it("doubles the delay and gives up at the fifth crash inside the window", () => {
    let state = NO_CRASHES;
    const seen: unknown[] = [];
    for (let crash = 0; crash < 5; crash += 1) {
      const next = afterExit(state, crash * 10_000, 100, policy);
      state = next.state;
      seen.push(next.decision);
    }
    expect(seen).toEqual([...[1_000, 2_000, 4_000, 8_000].map((delayMs) => ({ act: "restart", delayMs })), { act: "give_up", crashes: 5 }]);
  });

  it("forgets crashes outside the window and resets the delay after a stable run", () => {
    let state = NO_CRASHES;
    for (let crash = 0; crash < 12; crash += 1) {
      const next = afterExit(state, crash * 100_000, 90_000, policy);
      state = next.state;
      expect(next.decision).toEqual({ act: "restart", delayMs: 1_000 });
    }
  });

  it("judges exits by the policy", () => {
    expect(judgeExit("always", 0, null)).toEqual({ crashed: false, restart: true });
    expect(judgeExit("on-crash", 0, null)).toEqual({ crashed: false, restart: false });
    expect(judgeExit("on-crash", 2, null)).toEqual({ crashed: true, restart: true });
    expect(judgeExit("never", null, "SIGSEGV")).toEqual({ crashed: true, restart: false });
  });
});

describe("event stream parser", () => {
  const text = ': hi\nretry: 2000\n\nid: 7\ndata: {"a":1}\n\nid: 8\r\ndata: x\r\ndata: y\r\n\r\nevent: odd\rdata:z\r\r';

  it("gives the same events however the text is cut", () => {
    for (let size = 1; size <= text.length; size += 1) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
      events.push(...parser.push("\n"));
      expect(events.map((event) => [event.id, event.event, event.data])).toEqual([
        ["7", undefined, '{"a":1}'],
        ["8", undefined, "x\ny"],
        ["8", "odd", "z"],
      ]);
      expect(parser.retryMs).toBe(2_000);
    }
  });
});

describe("frames", () => {
  it("parses what live-wire names and skips the rest", () => {
    expect(parseServerFrame('{"t":"hello","seq":4,"beat_ms":900000}')).toEqual({ t: "hello", seq: 4, beatMs: 900_000 });
    expect(parseServerFrame('{"t":"pace","beat_ms":5000,"until":"2030-01-01T00:00:00.000Z"}')).toEqual({ t: "pace", beatMs: 5_000, until: Date.parse("2030-01-01") });
    expect(parseServerFrame('{"t":"event","id":9,"data":{"type":"x"}}')).toEqual({ t: "event", id: "9", data: { type: "x" } });
    expect(parseServerFrame('{"t":"error","re":"ack","id":"c","code":"gone"}')).toMatchObject({ t: "error", re: "ack", id: "c", code: "gone" });
    for (const odd of ["", "nonsense", "[]", '{"t":"new"}', '{"t":"event","id":1}', '{"t":"pace"}']) expect(parseServerFrame(odd)).toBeUndefined();
  });

  it("leaves malformed commands out and gives a missing payload as empty", () => {
    expect(parseCommands([{ id: "a", command_type: "t" }, { id: "", command_type: "t" }, null, { command_type: "t" }, { id: "b", command_type: "u", payload: { x: 1 } }])).toEqual([
      { id: "a", type: "t", payload: {} },
      { id: "b", type: "u", payload: { x: 1 } },
    ]);
    expect(parseCommands(undefined)).toEqual([]);
  });

  it("knows the endings that are final and the refusals that are not", () => {
    expect([4401, 4410, 4409, 1012, 1006].map((code) => fatalFromClose(code)?.code)).toEqual(["token_dead", "gone", "replaced", undefined, undefined]);
    expect([401, 403, 410, 404, 500].map((status) => fatalFromStatus(status, "why")?.code)).toEqual(["token_dead", "refused", "gone", undefined, undefined]);
    expect(fatalFromStatus(403, "")).toBeUndefined();
    expect(isTransientCode("INTERNAL_ERROR")).toBe(true);
    expect(isTransientCode("command_not_found")).toBe(false);
  });
});

describe("beats", () => {
  const beat: Beat = {
    hostname: "h", os: "linux", arch: "x64", cli_version: "1", mem_free_mb: 5_000, mem_total_mb: 10_000, load1: 0.1, cpu_count: 2, uptime_seconds: 10,
    gateway_status: "running", gateway_pid: 7, last_gateway_restart: null, capabilities: { openclaw: { installed: false } }, watched: [], bots: [], daemon: { version: "1", pid: 1, started_at: "x" },
  };

  it("calls changes what others must hear, and not figures that always move", () => {
    expect(beatChange(undefined, beat)).toBe("first");
    expect(beatChange(beat, { ...beat, load1: 4, uptime_seconds: 99, mem_free_mb: 4_200 })).toBeUndefined();
    expect(beatChange(beat, { ...beat, mem_free_mb: 3_900 })).toBe("memory");
    expect(beatChange(beat, { ...beat, gateway_status: "crashed" })).toBe("gateway_status");
    expect(beatChange(beat, { ...beat, gateway_pid: 8 })).toBe("gateway_pid");
    expect(beatChange(beat, { ...beat, watched: [{ name: "a", status: "running", pid: 1, restarts: 0, started_at: null }] })).toBe("watched");
    expect(beatChange(beat, { ...beat, capabilities: {} })).toBe("capabilities");
  });

  it("follows the pace until it ends", () => {
    expect(nextBeatAt(1_000, 900_000, undefined, 2_000)).toBe(901_000);
    expect(nextBeatAt(1_000, 900_000, { beatMs: 5_000, until: 60_000 }, 2_000)).toBe(6_000);
    expect(nextBeatAt(1_000, 900_000, { beatMs: 5_000, until: 60_000 }, 60_000)).toBe(901_000);
    expect(nextBeatAt(1_000, 900_000, { beatMs: 0, until: undefined }, 2_000)).toBe(1_250);
  });
});

describe("small things", () => {
  it("builds the instance id as published CLIs do", () => {
    expect(proposeInstanceId("My Mac.local", "darwin", "arm64", {})).toMatch(/^openclaw-my-mac-local-[0-9a-f]{16}$/);
    expect(proposeInstanceId("a", "linux", "x64", {})).toBe(proposeInstanceId("a", "linux", "x64", {}));
    expect(proposeInstanceId("a", "linux", "x64", { SETT_INSTANCE_ID: "forced" })).toBe("forced");
  });

  it("refuses secrets in logs by key and by value", () => {
    const line = scrub({ access_token: "abc", nested: { Authorization: "x", ok: 1 }, text: "sent sekret-value here", list: [{ password: "p" }] }, ["sekret-value"]);
    expect(JSON.stringify(line)).not.toMatch(/abc|sekret|"p"|"x"/);
    expect(line).toMatchObject({ nested: { ok: 1 } });
  });

  it("picks the server by option, environment, login, default", () => {
    const auth = { server: "https://a.test", access_token: "t", user_id: null, expires_at: null, instance_id: null };
    expect(resolveServer("https://o.test/", auth, { SETT_SERVER: "https://e.test" })).toBe("https://o.test");
    expect(resolveServer(undefined, auth, { SETT_SERVER: "https://e.test" })).toBe("https://e.test");
    expect(resolveServer(undefined, auth, {})).toBe("https://a.test");
    expect(resolveServer(undefined, undefined, {})).toBe("http://localhost:8787");
    expect(() => resolveServer("ftp://x", undefined, {})).toThrowError(/http/);
    expect(() => resolveServer("nonsense", undefined, {})).toThrowError(/URL/);
  });

  it("turns answers into exit codes", () => {
    const answer = (status: number, body: unknown): ApiAnswer => ({ status, body, headers: new Headers(), elapsedMs: 1 });
    expect(refusal("s", answer(401, {})).exitCode).toBe(3);
    expect(refusal("s", answer(403, { detail: "trial_abuse" }))).toMatchObject({ exitCode: 5, message: "trial_abuse" });
    expect(refusal("s", answer(502, "<html>")).exitCode).toBe(4);
    expect(detailText({ detail: [{ msg: "field required" }] })).toBe("field required");
    expect(detailText({ error: { message: "inner" } })).toBe("inner");
  });

  it("gives only versions and tags to an installer", () => {
    expect(["1.2.3", "1.2.3-rc.1", "latest", "next"].every(isSafeVersion)).toBe(true);
    expect(["", "--global", "1.2.3;rm", "https://x.test/a.tgz", "../x", "a b", "LATEST"].some(isSafeVersion)).toBe(false);
    expect(installArgv({ package: "@acme/sett", restart: true }, "https://s.test", "1.2.3")).toEqual(["npm", "install", "--global", "@acme/sett@1.2.3"]);
    expect(installArgv({ package: null, restart: true }, "https://s.test", "1.2.3")).toEqual(["npm", "install", "--global", "https://s.test/cli/sett-cli.tgz"]);
    expect(installArgv({ package: "p", restart: true, command: ["get", "{package}-{version}.tgz"] }, "https://s.test", "2.0.0")).toEqual(["get", "p-2.0.0.tgz"]);
  });

  it("formats tables without counting colours, and durations", () => {
    expect(formatTable(["A", "B"], [["\u001b[32mlong\u001b[39m", "1"], ["x", "2"]])).toEqual(["A     B", "\u001b[32mlong\u001b[39m  1", "x     2"]);
    expect([900, 119_000, 300_000, 10_800_000, 432_000_000].map(formatDuration)).toEqual(["1 s", "119 s", "5 min", "3 h", "5 d"]);
    expect(wantsColor(true, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColor(true, {})).toBe(true);
    expect(wantsColor(undefined, {})).toBe(false);
  });

  it("warns of a token that is about to expire", () => {
    expect(expiryCheck(null, 0).state).toBe("ok");
    expect(expiryCheck(new Date(86_400_000).toISOString(), 0).state).toBe("warn");
    expect(expiryCheck(new Date(86_400_000 * 60).toISOString(), 0).state).toBe("ok");
  });

  it("finds the command and the machine that were meant", () => {
    const command = (id: string, status: string): CommandView => ({ id, commandType: "restart_gateway", status });
    expect(pickCommand([command("old", "success"), command("new", "pending")], undefined, new Set(["old"]))?.id).toBe("new");
    expect(pickCommand([command("old", "pending")], undefined, new Set(["old"]))?.id).toBe("old");
    expect(pickCommand([command("old", "success")], undefined, new Set(["old"]))).toBeUndefined();
    expect(pickCommand([command("a", "success"), command("b", "failed")], "b", new Set())?.id).toBe("b");
    const machine = (instanceId: string, label: string): Machine => ({ instanceId, label, isOnline: true, gatewayStatus: "running" });
    const fleet = [machine("openclaw-a-1", "alpha"), machine("openclaw-b-2", "beta")];
    expect(matchMachines(fleet, "beta").map((item) => item.instanceId)).toEqual(["openclaw-b-2"]);
    expect(matchMachines(fleet, "openclaw-")).toHaveLength(2);
    expect(matchMachines(fleet, "openclaw-a-1")).toHaveLength(1);
  });

  it("opens no browser on a machine without a screen", () => {
    expect(browserCommand("linux", {})).toBeUndefined();
    expect(browserCommand("linux", { DISPLAY: ":0" })).toEqual(["xdg-open"]);
    expect(browserCommand("darwin", {})).toEqual(["open"]);
  });
});
