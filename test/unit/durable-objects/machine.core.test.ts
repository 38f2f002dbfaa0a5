import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLUSH_MS, BOTS_MAX_CHARS, foldBeat, foldOffline, foldRefresh, foldRepair, foldRoster, foldTime, NEW_LIVE, NEW_MACHINE, nextSamples, NO_LINK, SILENCE_MS, silentAt, STREAM_SILENCE_MS, upgradeState, type LiveState, type MachineState, type StoredSample } from "../../../durable-objects/instance/machine.core";
import type { RosterBot } from "../../../durable-objects/instance/bot-pairings.core";
import type { BotBeat, HeartbeatPayload } from "../../../durable-objects/instance/machine.rpc";
import { parseHeartbeat } from "../../../src/fleet/machines/heartbeat.core";

const NOW = Date.UTC(2026, 10, 21, 12);
const rosterBot = (id: string, fields: Partial<RosterBot> = {}): RosterBot => ({ botName: id, botUsername: `${id}_bot`, botUserId: `@${id}_bot:sett`, runtime: "openclaw", pairingId: `p-${id}`, redeemedAt: NOW, claimedAt: null, ...fields });

function beatOf(fields: Readonly<Record<string, unknown>> = {}): HeartbeatPayload {
  const parsed = parseHeartbeat({ instance_id: "den", gateway_status: "running", gateway_pid: 7, ...fields });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.payload;
}
const botBeat = (id: string, fields: Partial<BotBeat> = {}): Partial<BotBeat> => ({ bot_id: id, status: "running", activity_state: "idle", ...fields });
const fold = (state: MachineState, fields: Readonly<Record<string, unknown>> = {}, now = NOW, provider: string | null = null, live: LiveState = NEW_LIVE) => foldBeat(state, live, beatOf(fields), provider, now);
const withRoster = (...ids: string[]): MachineState => foldRoster(NEW_MACHINE, 1, Object.fromEntries(ids.map((id) => [id, rosterBot(id)])), NOW).state;

describe("a machine's first beat", () => {
  it("makes it heard, reachable and online, and tells so once", () => {
    const { state, live, changed, changes } = fold(NEW_MACHINE, { hostname: "den.local", mem_free_mb: 10, uptime_seconds: 5 });
    expect(state).toMatchObject({ heard: true, reachable: true, online: true, offlineReason: null, hostname: "den.local", gatewayStatus: "running", gatewayPid: 7 });
    expect(live).toMatchObject({ lastSeen: NOW, memFreeMb: 10, uptimeSeconds: 5 });
    expect(changed).toBe(true);
    expect(changes).toEqual([{ type: "machine.online", reason: "beat" }]);
  });

  it("says nothing of a gateway that it never knew before", () => {
    expect(fold(NEW_MACHINE, { gateway_status: "crashed" }).changes).toEqual([{ type: "machine.online", reason: "beat" }]);
  });
});

describe("a steady beat", () => {
  it("changes no state, whatever its moving numbers say", () => {
    const steady = { hostname: "den", bots: [botBeat("b1")] };
    const first = fold(withRoster("b1"), steady);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(), (free, uptime, load, sent) => {
        const next = foldBeat(first.state, first.live, beatOf({ ...steady, mem_free_mb: free, uptime_seconds: uptime, load1: load, bots: [botBeat("b1", { messages_sent: sent, uptime_seconds: uptime })] }), null, NOW + 1);
        expect(next.changed).toBe(false);
        expect(next.changes).toEqual([]);
        expect(next.live).toMatchObject({ lastSeen: NOW + 1, memFreeMb: free, counters: { b1: [0, sent, 0, 0, uptime] } });
      }),
    );
  });

  it("keeps what a beat leaves out", () => {
    const first = fold(NEW_MACHINE, { hostname: "den", os: "linux", arch: "x64", cli_version: "1", mem_total_mb: 99, cpu_count: 4, mem_free_mb: 50, watched: [{ name: "p", status: "running" }] });
    const second = fold(first.state, {}, NOW + 1, null, first.live);
    expect(second.changed).toBe(false);
    expect(second.state).toMatchObject({ hostname: "den", os: "linux", arch: "x64", cliVersion: "1", memTotalMb: 99, cpuCount: 4, watched: [{ name: "p" }] });
    expect(second.live.memFreeMb).toBe(50);
    expect(fold(second.state, { watched: [] }).state.watched).toEqual([]);
  });
});

describe("the gateway", () => {
  it("takes the machine off line when it crashes, leaves it reachable, and brings it back", () => {
    const running = fold(NEW_MACHINE).state;
    const crashed = fold(running, { gateway_status: "crashed", gateway_pid: null });
    expect(crashed.state).toMatchObject({ reachable: true, online: false, gatewayPid: null });
    expect(crashed.changes).toEqual([{ type: "gateway.status.change", gatewayStatus: "crashed", previousStatus: "running", gatewayPid: null }]);
    const back = fold(crashed.state, { gateway_pid: 8 });
    expect(back.changes).toEqual([
      { type: "machine.online", reason: "beat" },
      { type: "gateway.status.change", gatewayStatus: "running", previousStatus: "crashed", gatewayPid: 8 },
    ]);
  });

  it("is not needed where Hermes runs, or on a cloud machine that has it", () => {
    const online = (capabilities: unknown, provider: string | null) => fold(NEW_MACHINE, { gateway_status: "stopped", capabilities }, NOW, provider).state.online;
    expect(online({ hermes: { installed: true, running: true } }, null)).toBe(true);
    expect(online({ hermes: { installed: true } }, null)).toBe(false);
    expect(online({ hermes: { installed: true } }, "orgo")).toBe(true);
    expect(online({ hermes: { running: "yes" } }, "orgo")).toBe(false);
    expect(online({ hermes: null }, "orgo")).toBe(false);
    expect(online(null, "orgo")).toBe(false);
  });
});

describe("capabilities", () => {
  it("merge: a beat adds and replaces, never removes", () => {
    const first = fold(NEW_MACHINE, { capabilities: { openclaw: { installed: true }, gpu: 1 } }).state;
    const second = fold(first, { capabilities: { gpu: 2, hermes: { installed: true } } }).state;
    expect(second.capabilities).toEqual({ openclaw: { installed: true }, gpu: 2, hermes: { installed: true } });
    expect(fold(second, {}).state.capabilities).toEqual(second.capabilities);
  });
});

describe("bots", () => {
  it("are dropped unless the roster has them", () => {
    const { state, live, changes } = fold(withRoster("mine"), { bots: [botBeat("mine", { messages_sent: 3, last_activity_at: "2026-11-21T00:00:00Z" }), botBeat("foreign", { messages_sent: 9 })] });
    expect(Object.keys(state.bots)).toEqual(["mine"]);
    expect(live.counters).toEqual({ mine: [0, 3, 0, 0, 0] });
    expect(live.lastActivity).toEqual({ mine: "2026-11-21T00:00:00Z" });
    expect(changes).toContainEqual({ type: "bot.status.change", botId: "mine", status: "running", previousStatus: "unknown" });
  });

  it.each(["toString", "constructor", "hasOwnProperty", "__proto__"])("named %s are no members of a roster that lacks them", (id) => {
    const { live } = fold(NEW_MACHINE, { bots: [botBeat(id, { messages_sent: 1, last_activity_at: "now" })] });
    expect(Object.keys(live.counters)).toEqual([]);
    expect(Object.getPrototypeOf(live.counters)).toBe(Object.prototype);
  });

  it("missing from the list have stopped, and do so once", () => {
    const first = fold(withRoster("a", "b"), { bots: [botBeat("a", { active_task: { n: 1 } }), botBeat("b")] }).state;
    const second = fold(first, { bots: [botBeat("b")] });
    expect(second.state.bots["a"]).toMatchObject({ status: "stopped", activityState: "unknown", activeTask: null });
    expect(second.changes).toEqual([
      { type: "bot.status.change", botId: "a", status: "stopped", previousStatus: "running" },
      { type: "bot.pairing.change", botId: "a", pairingPhase: "degraded", failureReason: "bot_stopped" },
    ]);
    expect(fold(second.state, { bots: [botBeat("b")] })).toMatchObject({ changed: false, changes: [] });
  });

  it("count their skills when they do not say how many", () => {
    const { state } = fold(withRoster("a", "b"), { bots: [botBeat("a", { skills: [{}, {}] }), botBeat("b", { skills: [{}], skill_count: 5 })] });
    expect([state.bots["a"]?.skillCount, state.bots["b"]?.skillCount]).toEqual([2, 5]);
  });
});

describe("going offline", () => {
  it("stops everything, says why and since when, and happens once", () => {
    const alive = fold(withRoster("a"), { bots: [botBeat("a")] }).state;
    const gone = foldOffline(alive, "silence", NOW + 5);
    expect(gone.state).toMatchObject({ reachable: false, online: false, offlineReason: "silence", offlineSince: NOW + 5, bots: { a: { status: "stopped" } } });
    expect(gone.changes.map((change) => change.type)).toEqual(["machine.offline", "bot.status.change", "bot.pairing.change"]);
    expect(gone.state.pairings["a"]).toMatchObject({ phase: "degraded", failureReason: "machine_offline" });
    const again = foldOffline(gone.state, "goodbye", NOW + 9);
    expect(again).toEqual({ state: gone.state, changes: [] });
  });

  it("is nothing for a machine that was never heard", () => {
    expect(foldOffline(NEW_MACHINE, "goodbye", NOW)).toEqual({ state: NEW_MACHINE, changes: [] });
  });

  it("is undone by the next beat", () => {
    const gone = foldOffline(fold(NEW_MACHINE).state, "link_lost", NOW).state;
    const back = fold(gone, {}, NOW + 1);
    expect(back.state).toMatchObject({ reachable: true, online: true, offlineReason: null, offlineSince: null });
    expect(back.changes).toEqual([{ type: "machine.online", reason: "beat" }]);
  });
});

describe("silence", () => {
  const state = fold(NEW_MACHINE).state;
  const live: LiveState = { ...NEW_LIVE, lastSeen: NOW };

  it("of each kind of link", () => {
    expect(silentAt(state, live, NO_LINK)).toBe(NOW + SILENCE_MS);
    expect(silentAt(state, live, { kind: "sse", since: NOW + 9, lastPong: NOW + 9 })).toBe(NOW + STREAM_SILENCE_MS);
    expect(silentAt(state, live, { kind: "socket", since: NOW - 1, lastPong: 0 })).toBe(NOW + SILENCE_MS);
    expect(silentAt(state, live, { kind: "socket", since: NOW - 1, lastPong: NOW + 60 })).toBe(NOW + 60 + SILENCE_MS);
    expect(silentAt(state, live, { kind: "socket", since: NOW + 30, lastPong: 0 })).toBe(NOW + 30 + SILENCE_MS);
  });

  it("lets a stream's slower beats through: two of them fit", () => {
    expect(STREAM_SILENCE_MS).toBeGreaterThan(300_000);
    expect(SILENCE_MS).toBeGreaterThan(2 * 30_000);
  });

  it("never comes to a machine that was not heard, or is gone already", () => {
    expect(silentAt(NEW_MACHINE, NEW_LIVE, NO_LINK)).toBeNull();
    expect(silentAt(foldOffline(state, "goodbye", NOW).state, live, NO_LINK)).toBeNull();
  });
});

describe("samples", () => {
  it("are a ring of one day, newest last", () => {
    let samples: readonly StoredSample[] = [];
    for (let i = 0; i < 200; i++) samples = nextSamples(samples, { ...NEW_LIVE, memFreeMb: i, load1: i / 2 }, NOW + i * FLUSH_MS);
    expect(samples).toHaveLength(96);
    expect(samples.at(-1)).toEqual({ at: NOW + 199 * FLUSH_MS, memFreeMb: 199, load1: 99.5 });
    expect(samples[0]?.memFreeMb).toBe(104);
    expect(96 * FLUSH_MS).toBe(86_400_000);
  });
});

describe("any sequence of beats", () => {
  const step = fc.oneof(
    fc.record({ gateway_status: fc.constantFrom("running", "stopped", "crashed", "unknown"), bots: fc.array(fc.record({ bot_id: fc.constantFrom("a", "b", "x"), status: fc.constantFrom("running", "error", "stopped") }), { maxLength: 3 }) }),
    fc.constant("offline" as const),
  );

  it("reports a change exactly when the state moved, and online never without reachable", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let state = withRoster("a", "b");
        let live = NEW_LIVE;
        for (const [index, one] of steps.entries()) {
          const before = state;
          if (one === "offline") {
            const { state: next, changes } = foldOffline(state, "silence", NOW + index);
            expect(changes.length > 0).toBe(before.reachable);
            state = next;
          } else {
            const folded = foldBeat(state, live, beatOf(one), null, NOW + index);
            expect(folded.changed).toBe(JSON.stringify(before) !== JSON.stringify(folded.state));
            if (folded.changes.length > 0) expect(folded.changed).toBe(true);
            expect(Object.keys(folded.state.bots)).toEqual(["a", "b"]);
            ({ state, live } = folded);
            expect(live.lastSeen).toBe(NOW + index);
          }
          expect(state.online && !state.reachable).toBe(false);
          expect(state.reachable).toBe(state.offlineReason === null && state.heard);
        }
      }),
    );
  });
});

describe("pairings", () => {
  const MIN = 60_000;
  const phaseOf = ({ pairings }: MachineState, id = "a") => [pairings[id]?.phase, pairings[id]?.failureReason];
  const live = () => fold(withRoster("a"), { bots: [botBeat("a")] }).state;

  it("begin with the roster, live by a beat, and tell each change once", () => {
    const start = foldRoster(NEW_MACHINE, 1, { a: rosterBot("a"), b: rosterBot("b", { claimedAt: NOW - 5 }) }, NOW);
    expect(start.changes).toEqual([
      { type: "bot.pairing.change", botId: "a", pairingPhase: "redeemed", failureReason: null },
      { type: "bot.pairing.change", botId: "b", pairingPhase: "connecting", failureReason: null },
    ]);
    const first = fold(start.state, { bots: [botBeat("a"), botBeat("b", { status: "starting" })] });
    expect(first.changes).toContainEqual({ type: "bot.pairing.change", botId: "a", pairingPhase: "live", failureReason: null });
    expect([phaseOf(first.state), phaseOf(first.state, "b")]).toEqual([["live", null], ["connecting", null]]);
    expect(fold(first.state, { bots: [botBeat("a"), botBeat("b", { status: "starting" })] }, NOW + 1)).toMatchObject({ changed: false, changes: [] });
  });

  it("of an overtaken roster are ignored; the same one again changes nothing", () => {
    const newest = foldRoster(NEW_MACHINE, 5, { a: rosterBot("a") }, NOW).state;
    for (const seq of [0, 4]) expect(foldRoster(newest, seq, {}, NOW)).toEqual({ state: newest, changes: [] });
    const again = foldRoster(newest, 5, { a: rosterBot("a") }, NOW);
    expect(again.state).toBe(newest);
    expect(foldRoster(newest, 5, { a: rosterBot("a", { claimedAt: NOW }) }, NOW).changes).toEqual([{ type: "bot.pairing.change", botId: "a", pairingPhase: "connecting", failureReason: null }]);
  });

  it("end with a bot that leaves, begin anew with another pairing, and go on when only its name changed", () => {
    const before = live();
    const renamed = foldRoster(before, 2, { a: rosterBot("a", { botName: "Ada" }) }, NOW);
    expect(renamed.changes).toEqual([]);
    expect(renamed.state.roster["a"]?.botName).toBe("Ada");
    expect(phaseOf(renamed.state)).toEqual(["live", null]);
    expect(renamed.state.bots["a"]?.status).toBe("running");
    const anew = foldRoster(before, 2, { a: rosterBot("a", { pairingId: "other", redeemedAt: NOW + 1 }) }, NOW + 2);
    expect(phaseOf(anew.state)).toEqual(["redeemed", null]);
    expect(anew.state.bots).toEqual({});
    const left = foldRoster(before, 2, {}, NOW);
    expect(left.changes).toEqual([{ type: "bot.pairing.change", botId: "a", pairingPhase: "closed", failureReason: null }]);
    expect([left.state.bots, left.state.pairings]).toEqual([{}, {}]);
  });

  it("are repaired by the command's result, of a machine that is away only once it is back", () => {
    const away = foldOffline(live(), "silence", NOW).state;
    const repairing = foldRepair(away, "a", "cmd_1", NOW + 1);
    expect(repairing.changes).toEqual([{ type: "bot.pairing.change", botId: "a", pairingPhase: "repairing", failureReason: null }]);
    expect(foldRefresh(repairing.state, "cmd_2", true, NOW + 2)).toEqual({ state: repairing.state, changes: [] });
    const done = foldRefresh(repairing.state, "cmd_1", true, NOW + 2);
    expect(phaseOf(done.state)).toEqual(["degraded", "machine_offline"]);
    expect(phaseOf(fold(done.state, { bots: [botBeat("a")] }, NOW + 3).state)).toEqual(["live", null]);
    const failed = foldRefresh(repairing.state, "cmd_1", false, NOW + 2);
    expect(phaseOf(failed.state)).toEqual(["failed", "repair_failed"]);
    for (const id of ["b", "constructor"]) expect(foldRepair(NEW_MACHINE, id, "cmd", NOW)).toEqual({ state: NEW_MACHINE, changes: [] });
  });

  it("move with time, and not before it is due", () => {
    const start = withRoster("a");
    expect(foldTime(start, NOW + 2 * MIN - 1)).toEqual({ state: start, changes: [] });
    const connecting = foldTime(start, NOW + 2 * MIN);
    expect(phaseOf(connecting.state)).toEqual(["connecting", null]);
    expect(phaseOf(foldTime(start, NOW + 7 * MIN).state)).toEqual(["degraded", "no_heartbeat"]);
  });

  it("were not in states of before: such a state has no bots", () => {
    const { rosterSeq: _, pairings: __, ...old } = live();
    expect(upgradeState(old)).toMatchObject({ heard: true, hostname: null, rosterSeq: 0, roster: {}, bots: {}, pairings: {} });
    expect(upgradeState(live())).toEqual(live());
  });
});

describe("a bot's errors", () => {
  it("count as news only while they rise", () => {
    const erring = (state: MachineState, errors: number) => fold(state, { bots: [botBeat("a", { errors })] }).state;
    let state = withRoster("a");
    const seen = [0, 2, 2, 5, 0, 1, 1].map((errors) => (state = erring(state, errors)).bots["a"]?.erring);
    expect(seen).toEqual([false, true, false, true, false, true, false]);
  });
});

describe("skills", () => {
  it("stay known when a beat does not tell them, and go when it tells others", () => {
    const told = fold(withRoster("a"), { bots: [botBeat("a", { skills: ["dig", { name: "hop", content: "# hop" }] })] }).state;
    const silent = fold(told, { bots: [botBeat("a")] });
    expect(silent.changed).toBe(false);
    expect(silent.state.bots["a"]?.skills?.map((skill) => skill.name)).toEqual(["dig", "hop"]);
    expect(fold(told, { bots: [botBeat("a", { skills: [] })] }).state.bots["a"]).toMatchObject({ skills: [], skillCount: 0 });
  });

  it("lose their texts before a machine's bots outgrow a row, then what silent bots said", () => {
    const heavy = (id: string) => botBeat(id, { skills: [{ name: "tome", content: "x".repeat(240_000) }] });
    const one = fold(withRoster("a", "b"), { bots: [heavy("a"), botBeat("b")] }).state;
    expect(one.bots["a"]?.skills?.[0]?.content).toHaveLength(240_000);
    const two = fold(one, { bots: [botBeat("a"), heavy("b")] }).state;
    expect([two.bots["a"], two.bots["b"]].map((bot) => bot?.skills)).toMatchObject([[{ name: "tome", content: null }], [{ name: "tome", content: null }]]);
    const rooms = (id: string) => botBeat(id, { room_details: ["x".repeat(240_000)] });
    const full = fold(fold(withRoster("a", "b"), { bots: [rooms("a")] }).state, { bots: [rooms("b")] }).state;
    expect([full.bots["a"]?.roomDetails, full.bots["b"]?.roomDetails?.length]).toEqual([null, 1]);
    expect(JSON.stringify(full.bots).length).toBeLessThan(BOTS_MAX_CHARS);
  });
});
