import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_OVERVIEW, contributionOf, replaceContribution } from "../../../durable-objects/account-feed/overview.core";
import type { Overview } from "../../../durable-objects/account-feed/account-feed.rpc";
import { NEW_LIVE, NEW_MACHINE, NO_LINK, UNKNOWN_BOT } from "../../../durable-objects/instance/machine.core";
import type { BotSummary, MachineSummary } from "../../../durable-objects/instance/machine.rpc";
import { readSkills } from "../../../durable-objects/instance/skills.core";
import { redeemedState } from "../../../src/fleet/pairings/pairings.core";
import { toBotDetail, toSummary, type MachineFacts } from "../../../durable-objects/instance/machine.views";
import { MachineDetailResponse, MachinesListResponse } from "../../../src/fleet/machines/machines.schemas";

const NOW = Date.UTC(2026, 10, 21, 12);
const REGISTRATION = { label: "den", version: "1.0.0", provider: null, orgoWorkspaceId: null, orgoWorkspaceName: null, orgoComputerId: null, createdAt: NOW };
const FRESH: MachineFacts = { instanceId: "den-1", registration: REGISTRATION, state: NEW_MACHINE, live: NEW_LIVE, provisioning: null, link: NO_LINK, pendingCommands: 0 };

describe("what is shown of a machine", () => {
  it("that was never heard is empty, and no date is 1970", () => {
    const view = toSummary(FRESH);
    expect(view).toMatchObject({ instanceId: "den-1", label: "den", version: "1.0.0", isOnline: false, reachable: false, lastHeartbeat: null, link: "none", linkSince: null, offlineSince: null, gatewayStatus: "unknown", hasOpenclaw: true, hasHermes: false, bots: [], botCount: 0, watched: [] });
    expect(JSON.stringify(view)).not.toContain("1970");
    expect(MachinesListResponse.safeParse({ machines: [view] }).success).toBe(true);
  });

  it("that is no cloud machine has no provisioning; one that is has it in the words of its row", () => {
    expect(toSummary(FRESH)).toMatchObject({ provisionStatus: null, provisionDetail: null, provisionPercent: null });
    const view = toSummary({ ...FRESH, provisioning: { seq: 3, status: "installing", step: "install", percent: 45, stepPercent: 30, detail: "Unpacking", at: NOW } });
    expect(view).toMatchObject({ provisionStatus: "installing", provisionDetail: "Unpacking", provisionPercent: 45 });
    expect(MachinesListResponse.safeParse({ machines: [view] }).success).toBe(true);
  });

  it("takes a socket's last pong as the last sign of life, a stream's not", () => {
    const live = { ...NEW_LIVE, lastSeen: NOW };
    const seen = (kind: "socket" | "sse") => toSummary({ ...FRESH, live, link: { kind, since: NOW, lastPong: NOW + 60_000 } }).lastHeartbeat;
    expect(seen("socket")).toBe(new Date(NOW + 60_000).toISOString());
    expect(seen("sse")).toBe(new Date(NOW).toISOString());
  });

  it("has OpenClaw unless the machine denies it, and Hermes only when it says so", () => {
    const of = (capabilities: Record<string, unknown>) => {
      const { hasOpenclaw, hasHermes } = toSummary({ ...FRESH, state: { ...NEW_MACHINE, capabilities } });
      return [hasOpenclaw, hasHermes];
    };
    expect(of({ openclaw: { installed: false }, hermes: { installed: true } })).toEqual([false, true]);
    expect(of({ openclaw: { installed: null }, hermes: { installed: "true" } })).toEqual([true, false]);
    expect(of({ openclaw: "no", hermes: [] })).toEqual([true, false]);
  });

  it("shows every bot of the roster, heard or not, with its counters", () => {
    const named = (name: string) => ({ botName: name, botUsername: `${name.toLowerCase()}_bot`, botUserId: `@${name.toLowerCase()}_bot:sett`, runtime: "openclaw" as const, pairingId: name, redeemedAt: NOW, claimedAt: null });
    const roster = { a: named("Ada"), b: named("Bob") };
    const pairings = { a: { ...redeemedState(NOW), pairingId: "Ada", phase: "live" as const } };
    const skills = readSkills([{ name: "dig", use_count: 3, confirmed: true, created_at: "2026-01-01T00:00:00Z" }, { name: "odd", description: 7, use_count: "many" }, { description: "nameless" }, null, "x"]);
    const state = { ...NEW_MACHINE, heard: true, roster, bots: { a: { ...UNKNOWN_BOT, status: "running", activityState: "working", errors: 2, erring: true, lastError: "boom", skills } }, pairings };
    const facts: MachineFacts = { ...FRESH, state, live: { ...NEW_LIVE, lastSeen: NOW, counters: { a: [5, 4, 3, 2, 1] }, lastActivity: { a: "then" } } };
    const summary = toSummary(facts);
    expect(summary.botCount).toBe(2);
    expect(summary.bots).toMatchObject([
      { botId: "a", botName: "Ada", status: "running", pairingPhase: "live", healthScore: 50, messagesReceived: 5, messagesSent: 4, chunkedMessages: 3, errors: 2 },
      { botId: "b", botName: "Bob", status: "unknown", pairingPhase: null, healthScore: null, messagesReceived: 0, messagesSent: 0, chunkedMessages: 0, errors: 0 },
    ]);
    const details = ["a", "b"].map((id) => toBotDetail(facts, id));
    expect(details[0]).toMatchObject({ botUserId: "@ada_bot:sett", lastActivityAt: "then", totalChunksSent: 2, uptimeSeconds: 1, lastError: "boom", updatedAt: new Date(NOW).toISOString() });
    expect(details[0]?.skills).toEqual([
      { name: "dig", description: "", source: "auto", useCount: 3, confirmed: true, createdAt: "2026-01-01T00:00:00Z", installedOn: null },
      { name: "odd", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, installedOn: null },
      { name: "x", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, installedOn: null },
    ]);
    expect(details[1]).toMatchObject({ skills: null, lastActivityAt: null, totalChunksSent: 0 });
    expect(MachineDetailResponse.safeParse({ ...summary, bots: details, samples: [], events: [] }).error).toBeUndefined();
  });
});

describe("the overview", () => {
  const bot = fc.record({ status: fc.constantFrom("running", "stopped", "error", "unknown"), activityState: fc.constantFrom("working", "idle", "stalled", "unknown"), messagesReceived: fc.nat(99), messagesSent: fc.nat(99), chunkedMessages: fc.nat(99), errors: fc.nat(9) });
  const machine = fc.record({ isOnline: fc.boolean(), bots: fc.array(bot, { maxLength: 4 }) }).map((fields) => fields as unknown as MachineSummary);
  const step = fc.record({ at: fc.constantFrom("m1", "m2", "m3"), machine: fc.option(machine) });

  const sum = (machines: Iterable<MachineSummary>): Overview => {
    const total: Record<string, number> = { ...EMPTY_OVERVIEW };
    for (const one of machines) for (const [name, value] of Object.entries(contributionOf(one))) total[name] = (total[name] ?? 0) + value;
    return total as unknown as Overview;
  };

  it("kept by replacing equals the recount, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const machines = new Map<string, MachineSummary>();
        let total = EMPTY_OVERVIEW;
        for (const { at, machine } of steps) {
          total = replaceContribution(total, machines.get(at) ?? null, machine);
          if (machine) machines.set(at, machine);
          else machines.delete(at);
          expect(total).toEqual(sum(machines.values()));
        }
        for (const one of machines.values()) total = replaceContribution(total, one, null);
        expect(total).toEqual(EMPTY_OVERVIEW);
      }),
    );
  });

  it("counts each bot in one of online, offline and error, and its activity only while it runs", () => {
    fc.assert(
      fc.property(machine, (one) => {
        const counted = contributionOf(one);
        expect(counted.onlineBots + counted.offlineBots + counted.errorBots).toBe(counted.totalBots);
        expect(counted.workingBots + counted.idleBots + counted.stalledBots).toBeLessThanOrEqual(counted.onlineBots);
        expect(counted).toMatchObject({ totalMachines: 1, onlineMachines: one.isOnline ? 1 : 0 });
      }),
    );
  });

  it("counts as its words say", () => {
    const bots = [{ status: "running", activityState: "working" }, { status: "running", activityState: "stalled" }, { status: "error", activityState: "working" }, { status: "stopped", activityState: "idle" }];
    const one = { isOnline: true, bots: bots.map((fields) => ({ messagesReceived: 1, messagesSent: 2, chunkedMessages: 3, errors: 4, ...fields }) as BotSummary) } as unknown as MachineSummary;
    expect(contributionOf(one)).toMatchObject({ totalBots: 4, onlineBots: 2, offlineBots: 1, errorBots: 1, workingBots: 1, idleBots: 0, stalledBots: 1, totalMessagesReceived: 4, totalMessagesSent: 8, totalChunkedMessages: 12, totalErrors: 16 });
  });
});
