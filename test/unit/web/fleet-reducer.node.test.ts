import { describe, expect, it } from "vitest";
import type { FleetEvent, Machine } from "../../../web/src/api/live-types";
import { EMPTY_FLEET, reduceAll, reduceFleet } from "../../../web/src/fleet/fleet.reducer";
import type { FleetAction, FleetState } from "../../../web/src/fleet/fleet.types";
import { machineStatus } from "../../../web/src/fleet/machine-status";
import { machine } from "./machine";

const T0 = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();

function event(body: FleetEvent, id: number | null = null, receivedAtMs = T0 + 60_000): FleetAction {
  return { kind: "event", id, event: body, receivedAtMs };
}

function fleetOf(...machines: Machine[]): FleetState {
  return reduceFleet(EMPTY_FLEET, { kind: "snapshot", machines, overview: null, requestedAtMs: T0, receivedAtMs: T0 });
}

function entryOf(state: FleetState, instanceId: string) {
  const entry = state.entries[instanceId];
  if (!entry) throw new Error(`no entry ${instanceId}`);
  return entry;
}

const command = (instanceId: string, id: string, status: string, result: string | null = null): FleetEvent => ({
  type: "command.update",
  instanceId,
  command: { id, commandType: "restart_gateway", status, result, createdAt: at(0), deliveredAt: null, acknowledgedAt: null, completedAt: null },
  at: at(1),
});

const phaseAfter = (...actions: FleetAction[]): string | undefined =>
  entryOf(reduceAll(fleetOf(machine("a")), actions), "a").restart?.phase;

const pendingAfter = (...actions: FleetAction[]): number => entryOf(reduceAll(fleetOf(machine("a")), actions), "a").machine.pendingCommands;

describe("reduceFleet: state of machines", () => {
  it("goes online, link down, back and offline", () => {
    let state = fleetOf(machine("a"));
    expect(machineStatus(entryOf(state, "a"))).toBe("online");
    state = reduceFleet(state, event({ type: "machine.link", instanceId: "a", link: "down", transport: "socket", at: at(1) }));
    expect(machineStatus(entryOf(state, "a"))).toBe("link-down");
    state = reduceFleet(state, event({ type: "machine.link", instanceId: "a", link: "up", transport: "sse", at: at(2) }));
    expect(machineStatus(entryOf(state, "a"))).toBe("online");
    expect(entryOf(state, "a").machine.link).toBe("sse");
    state = reduceFleet(state, event({ type: "machine.offline", instanceId: "a", at: at(3), reason: "silence" }));
    expect(machineStatus(entryOf(state, "a"))).toBe("offline");
    expect(entryOf(state, "a").machine.offlineReason).toBe("silence");
    expect(state.transitions.map(({ kind }) => kind)).toEqual(["offline"]);
  });

  it("is reachable while only the gateway is down", () => {
    const state = reduceFleet(
      fleetOf(machine("a")),
      event({ type: "gateway.status.change", instanceId: "a", gatewayStatus: "crashed", gatewayPid: null, at: at(1) }),
    );
    expect(machineStatus(entryOf(state, "a"))).toBe("reachable");
    expect(entryOf(state, "a").machine.gatewayPid).toBeNull();
  });

  it("ignores news that is older than what it knows", () => {
    let state = fleetOf(machine("a", { lastHeartbeat: at(50) }));
    state = reduceFleet(state, event({ type: "machine.online", instanceId: "a", at: at(40) }));
    const late = reduceFleet(state, event({ type: "machine.offline", instanceId: "a", at: at(30) }));
    expect(entryOf(late, "a").machine.reachable).toBe(true);
    const beat = event({ type: "heartbeat.update", machine: machine("a", { lastHeartbeat: at(10), gatewayPid: 99 }) });
    expect(entryOf(reduceFleet(state, beat), "a").machine.gatewayPid).toBe(1);
  });

  it("does not apply a replayed number twice, but follows commands even then", () => {
    let state = reduceFleet(fleetOf(machine("a")), event({ type: "machine.offline", instanceId: "a", at: at(5) }, 12));
    state = reduceFleet(state, event({ type: "machine.online", instanceId: "a", at: at(6) }, 12));
    expect(entryOf(state, "a").machine.reachable).toBe(false);
    state = reduceFleet(state, event(command("a", "c", "acknowledged"), 11));
    expect(entryOf(state, "a").restart?.phase).toBe("delivered");
    expect(state.lastEventId).toBe(12);
  });

  it("takes beats that carry the number of the newest event", () => {
    let state = reduceFleet(fleetOf(machine("a")), event({ type: "machine.online", instanceId: "a", at: at(1) }, 12));
    state = reduceFleet(state, event({ type: "heartbeat.update", instanceId: "a", machine: machine("a", { lastHeartbeat: at(9), memFreeMb: 7 }) }, 12));
    expect(entryOf(state, "a").machine.memFreeMb).toBe(7);
    expect(state.lastEventId).toBe(12);
  });

  it("reads the whole fleet again after news of an unknown machine, and adds one that comes with its facts", () => {
    const state = reduceFleet(fleetOf(machine("a")), event({ type: "machine.link", instanceId: "b", link: "up", transport: "sse", at: at(1) }));
    expect(state.resyncSeq).toBe(1);
    const added = reduceFleet(state, event({ type: "machine.online", instanceId: "c", at: at(1), machine: machine("c") }));
    expect(Object.keys(added.entries)).toEqual(["a", "c"]);
    expect(added.transitions.at(-1)?.kind).toBe("added");
    expect(reduceFleet(state, event({ type: "resync" })).resyncSeq).toBe(2);
  });

  it("leaves unknown event types alone", () => {
    const state = fleetOf(machine("a"));
    expect(reduceFleet(state, event({ type: "weather.change" } as unknown as FleetEvent))).toBe(state);
  });


  it("flashes for what can be seen and not for each beat", () => {
    let state = fleetOf(machine("a"));
    state = reduceFleet(state, event({ type: "heartbeat.update", machine: machine("a", { lastHeartbeat: at(9), memFreeMb: 7 }) }));
    expect(entryOf(state, "a").flash).toBe(0);
    state = reduceFleet(state, event({ type: "heartbeat.update", machine: machine("a", { lastHeartbeat: at(10), gatewayPid: 2 }) }));
    expect(entryOf(state, "a").flash).toBe(1);
  });

  it("touches no other machine", () => {
    const state = fleetOf(machine("a"), machine("b"));
    const next = reduceFleet(state, event({ type: "machine.offline", instanceId: "a", at: at(1) }));
    expect(next.entries["b"]).toBe(state.entries["b"]);
  });
});

describe("reduceFleet: snapshots", () => {
  it("does not let an answer undo what was heard after the question", () => {
    const known = reduceFleet(fleetOf(machine("a")), event({ type: "machine.offline", instanceId: "a", at: at(70) }, 1, T0 + 70_000));
    const state = reduceFleet(known, {
      kind: "snapshot",
      machines: [machine("a")],
      overview: null,
      requestedAtMs: T0 + 69_000,
      receivedAtMs: T0 + 71_000,
    });
    expect(entryOf(state, "a").machine.reachable).toBe(false);
  });

  it("does not bring back a machine that was removed meanwhile, but accepts one registered again", () => {
    const removed = reduceFleet(fleetOf(machine("a")), { kind: "removed", instanceId: "a", atMs: T0 + 5000 });
    const answer = (requestedAtMs: number): FleetAction => ({
      kind: "snapshot",
      machines: [machine("a")],
      overview: null,
      requestedAtMs,
      receivedAtMs: requestedAtMs + 500,
    });
    expect(Object.keys(reduceFleet(removed, answer(T0 + 4000)).entries)).toEqual([]);
    expect(Object.keys(reduceFleet(removed, answer(T0 + 6000)).entries)).toEqual(["a"]);
    expect(removed.transitions.at(-1)?.kind).toBe("removed");
  });

  it("takes the answer at connect as the truth, even with a lower number", () => {
    const before = reduceFleet(fleetOf(machine("a"), machine("b")), event({ type: "machine.removed", instanceId: "b", at: at(1) }, 500));
    const state = reduceFleet(before, event({ type: "heartbeat.update", machines: [machine("c")] }, 3, T0 + 90_000));
    expect(Object.keys(state.entries)).toEqual(["c"]);
    expect(state.lastEventId).toBe(3);
    expect(reduceFleet(state, event({ type: "heartbeat.update", machines: [] }, 0)).lastEventId).toBeNull();
  });

  it("announces nothing for the first answer", () => {
    expect(fleetOf(machine("a"), machine("b")).transitions).toEqual([]);
  });
});

describe("reduceFleet: restarting a gateway", () => {
  const sent: FleetAction = { kind: "restart.sent", instanceId: "a", atMs: T0 };

  it("goes from sent to restarted", () => {
    const steps: FleetAction[] = [
      sent,
      event({ type: "gateway.restart.requested", instanceId: "a", commandId: "c", at: at(1) }),
      event(command("a", "c", "pending")),
      { kind: "restart.accepted", instanceId: "a", text: "queued" },
      event(command("a", "c", "acknowledged")),
      event({ type: "gateway.status.change", instanceId: "a", gatewayStatus: "restarting", at: at(2) }),
      event(command("a", "c", "success", "pid 2")),
      event({ type: "gateway.restart.completed", instanceId: "a", commandId: "c", at: at(3) }),
    ];
    const phases = steps.map((_step, index) => phaseAfter(...steps.slice(0, index + 1)));
    expect(phases).toEqual(["sending", "requested", "requested", "requested", "delivered", "restarting", "restarted", "restarted"]);
  });

  it("never goes back, whatever the order", () => {
    expect(phaseAfter(sent, event(command("a", "c", "pending")), event(command("a", "c", "success")), event(command("a", "c", "acknowledged")))).toBe("restarted");
  });

  it("keeps the reason of a failure and of a refusal", () => {
    const failed = reduceAll(fleetOf(machine("a")), [sent, event(command("a", "c", "pending")), event(command("a", "c", "failed", "exit 1"))]);
    expect(entryOf(failed, "a").restart).toMatchObject({ phase: "failed", text: "exit 1" });
    const refused = reduceFleet(failed, { kind: "restart.refused", instanceId: "a", text: "No.", atMs: T0 });
    expect(entryOf(refused, "a").restart).toMatchObject({ phase: "failed", text: "No." });
  });

  it("starts over with a new command and ignores the end of an older one", () => {
    expect(phaseAfter(event(command("a", "c1", "success")), event(command("a", "c2", "pending")))).toBe("requested");
    expect(phaseAfter(event(command("a", "c2", "pending")), event(command("a", "c1", "failed")))).toBe("requested");
    expect(phaseAfter(sent, event(command("a", "c1", "failed")))).toBe("sending");
  });

  it("counts waiting commands without growing by repeats", () => {
    const pending = event(command("a", "c", "pending"));
    expect(pendingAfter(pending, pending)).toBe(1);
    expect(pendingAfter(pending, event(command("a", "c", "success")))).toBe(0);
    expect(pendingAfter(event(command("a", "c", "success")))).toBe(0);
  });
});
