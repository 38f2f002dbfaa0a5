import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canRepair, CLAIM_MS, CONNECT_MS, healthScore, nextPhase, PAIRING_PHASES, phaseDueAt, phaseOfRow, redeemedState, REPAIR_MS, settlePhase, type BotSigns, type PairingEvent, type PairingPhase, type PairingState } from "../../../src/fleet/pairings/pairings.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const WELL: BotSigns = { status: "running", quarantined: false, lastError: null, lastErrorAt: null };
const heard = (signs: Partial<BotSigns> = {}): PairingEvent => ({ type: "heard", bot: { ...WELL, ...signs } });
const in_ = (phase: PairingPhase, fields: Partial<PairingState> = {}): PairingState => ({ ...redeemedState(NOW), phase, ...fields });
const move = (state: PairingState, event: PairingEvent, now = NOW) => nextPhase(state, event, now);
const shown = ({ phase, failureReason }: PairingState) => [phase, failureReason];

describe("a pairing", () => {
  it("goes from its code to a bot that answers", () => {
    const start = redeemedState(NOW);
    const connecting = move(start, { type: "claimed" }, NOW + 10);
    expect(connecting).toMatchObject({ phase: "connecting", since: NOW + 10 });
    expect(move(connecting, { type: "claimed" }, NOW + 20)).toBe(connecting);
    expect(move(connecting, heard({ status: "starting" }), NOW + 20)).toBe(connecting);
    const live = move(connecting, heard(), NOW + 30);
    expect(live).toMatchObject({ phase: "live", since: NOW + 30, failureReason: null });
    expect(move(live, heard(), NOW + 40)).toBe(live);
    expect(shown(move(start, heard()))).toEqual(["live", null]);
  });

  it("is taken as claimed after two minutes, and as broken five minutes later", () => {
    const start = redeemedState(NOW);
    expect(settlePhase(start, NOW + CLAIM_MS - 1)).toBe(start);
    expect(settlePhase(start, NOW + CLAIM_MS)).toMatchObject({ phase: "connecting", since: NOW + CLAIM_MS });
    expect(settlePhase(start, NOW + CLAIM_MS + CONNECT_MS - 1)).toMatchObject({ phase: "connecting", since: NOW + CLAIM_MS });
    expect(settlePhase(start, NOW + 86_400_000)).toMatchObject({ phase: "degraded", failureReason: "no_heartbeat", since: NOW + CLAIM_MS + CONNECT_MS });
  });

  it("that did not connect in time is live as soon as its bot runs", () => {
    expect(shown(move(redeemedState(NOW), heard(), NOW + 86_400_000))).toEqual(["live", null]);
  });
});

describe("a live pairing", () => {
  const live = in_("live");

  it.each<readonly [string, PairingEvent, string]>([
    ["an error", heard({ status: "error" }), "bot_error"],
    ["a quarantine", heard({ quarantined: true }), "bot_quarantined"],
    ["a dead token", heard({ lastError: "M_UNKNOWN_TOKEN: Invalid access token" }), "token_dead"],
    ["a bot that stopped", heard({ status: "stopped" }), "bot_stopped"],
    ["a bot that is not listed", { type: "missing" }, "bot_stopped"],
    ["a machine that went away", { type: "offline" }, "machine_offline"],
  ])("is degraded by %s", (_, event, reason) => {
    const broken = move(live, event, NOW + 5);
    expect(broken).toMatchObject({ phase: "degraded", failureReason: reason, since: NOW + 5 });
    expect(shown(move(broken, heard(), NOW + 6))).toEqual(["live", null]);
  });

  it.each<PairingEvent>([{ type: "claimed" }, { type: "tick" }, heard({ status: "starting" }), heard({ lastError: "room not found" }), { type: "repairRequested", commandId: "c" }, { type: "refreshed", commandId: "c", ok: false }])("is not moved by %j", (event) => {
    expect(move(live, event)).toBe(live);
  });

  it("is not broken by what its bot said of an older token", () => {
    const old = heard({ lastError: "401 M_UNKNOWN_TOKEN", lastErrorAt: new Date(NOW - 1).toISOString() });
    expect(move(live, old)).toBe(live);
    for (const at of [new Date(NOW).toISOString(), "yesterday"]) expect(shown(move(live, heard({ lastError: "401 M_UNKNOWN_TOKEN", lastErrorAt: at })))).toEqual(["degraded", "token_dead"]);
  });
});

describe("a degraded pairing", () => {
  it("takes the newest fault as its reason, and keeps it when the machine goes", () => {
    const broken = in_("degraded", { failureReason: "no_heartbeat" });
    const faulty = move(broken, heard({ quarantined: true }));
    expect(faulty).toEqual({ ...broken, failureReason: "bot_quarantined" });
    for (const event of [{ type: "offline" }, { type: "missing" }] as const) expect(move(faulty, event)).toBe(faulty);
    expect(shown(move(in_("degraded", { failureReason: "machine_offline" }), { type: "missing" }))).toEqual(["degraded", "bot_stopped"]);
  });
});

describe("a repair", () => {
  const repairing = move(in_("degraded", { failureReason: "token_dead" }), { type: "repairRequested", commandId: "c1" }, NOW);

  it("begins from degraded and failed only", () => {
    expect(repairing).toMatchObject({ phase: "repairing", failureReason: null, repairCommandId: "c1" });
    for (const phase of PAIRING_PHASES) {
      expect(canRepair(phase)).toBe(phase === "degraded" || phase === "failed");
      expect(move(in_(phase), { type: "repairRequested", commandId: "c" }).phase).toBe(canRepair(phase) ? "repairing" : phase);
    }
  });

  it("ends with the result of its own command, or with a bot that runs", () => {
    expect(move(repairing, { type: "refreshed", commandId: "c0", ok: true })).toBe(repairing);
    const healed = move(repairing, { type: "refreshed", commandId: "c1", ok: true }, NOW + 9);
    expect(healed).toMatchObject({ phase: "live", failureReason: null, repairCommandId: null, tokenSince: NOW + 9 });
    expect(shown(move(repairing, { type: "refreshed", commandId: "c1", ok: false }))).toEqual(["failed", "repair_failed"]);
    expect(shown(move(repairing, heard()))).toEqual(["live", null]);
    for (const event of [heard({ status: "error" }), { type: "missing" }, { type: "offline" }] as const) expect(move(repairing, event)).toBe(repairing);
  });

  it("gives up after five minutes, yet hears a late result", () => {
    const late = NOW + REPAIR_MS;
    expect(settlePhase(repairing, late - 1)).toBe(repairing);
    const given = settlePhase(repairing, late);
    expect(given).toMatchObject({ phase: "degraded", failureReason: "repair_timeout", since: late });
    expect(shown(move(given, { type: "refreshed", commandId: "c1", ok: true }, late + 1))).toEqual(["live", null]);
    expect(shown(move(given, { type: "refreshed", commandId: "c1", ok: false }, late + 1))).toEqual(["failed", "repair_failed"]);
    const again = move(given, { type: "repairRequested", commandId: "c2" }, late + 1);
    expect(move(again, { type: "refreshed", commandId: "c1", ok: true }, late + 2)).toBe(again);
  });

  it("that failed is forgotten when the bot runs all the same", () => {
    expect(shown(move(in_("failed", { failureReason: "repair_failed" }), heard()))).toEqual(["live", null]);
  });
});

describe("any pairing at any time", () => {
  /** Moves that one event may make, once time has passed. */
  const LEGAL: Readonly<Record<PairingPhase, readonly PairingPhase[]>> = {
    pending: [],
    expired: [],
    closed: [],
    redeemed: ["connecting", "live"],
    connecting: ["live"],
    live: ["degraded"],
    degraded: ["live", "repairing", "failed"],
    repairing: ["live", "failed"],
    failed: ["live", "repairing"],
  };
  const commandId = fc.constantFrom("c1", "c2");
  const event: fc.Arbitrary<PairingEvent> = fc.oneof(
    fc.constantFrom<PairingEvent>({ type: "claimed" }, { type: "missing" }, { type: "offline" }, { type: "tick" }),
    fc.record({ status: fc.constantFrom("running", "stopped", "error", "starting", "unknown"), quarantined: fc.boolean(), lastError: fc.option(fc.constantFrom("M_UNKNOWN_TOKEN", "other")), lastErrorAt: fc.option(fc.constantFrom(new Date(NOW - 1).toISOString(), new Date(NOW + 1).toISOString(), "?")) }).map((bot): PairingEvent => ({ type: "heard", bot })),
    commandId.map((id): PairingEvent => ({ type: "repairRequested", commandId: id })),
    fc.record({ commandId, ok: fc.boolean() }).map((result): PairingEvent => ({ type: "refreshed", ...result })),
  );
  const state = fc.record({ phase: fc.constantFrom(...PAIRING_PHASES), since: fc.integer({ min: NOW - 1_000_000, max: NOW }), failureReason: fc.constant(null), repairCommandId: fc.option(commandId), tokenSince: fc.constant(NOW) });
  const delay = fc.integer({ min: -10_000, max: 1_000_000 });

  it("has a next phase for every event, and only legal ones", () => {
    fc.assert(
      fc.property(state, event, delay, (before, happens, ms) => {
        const settled = settlePhase(before, NOW + ms);
        const after = nextPhase(before, happens, NOW + ms);
        if (after.phase !== settled.phase) expect(LEGAL[settled.phase]).toContain(after.phase);
        expect(after.since).toBeGreaterThanOrEqual(before.since);
        if (after.phase !== "degraded" && after.phase !== "failed") expect(after.failureReason).toBeNull();
        if (after.phase === "degraded" && before.phase !== "degraded") expect(after.failureReason).not.toBeNull();
      }),
    );
  });

  it("settles to something that time no longer moves, and settling again changes nothing", () => {
    fc.assert(
      fc.property(state, delay, (before, ms) => {
        const settled = settlePhase(before, NOW + ms);
        expect(settlePhase(settled, NOW + ms)).toBe(settled);
        expect(phaseDueAt(settled) ?? Infinity).toBeGreaterThan(NOW + ms);
        // Looking in between makes no difference.
        expect(settlePhase(settlePhase(before, NOW + Math.floor(ms / 2)), NOW + Math.max(ms, 0))).toEqual(settlePhase(before, NOW + Math.max(ms, 0)));
      }),
    );
  });

  it("never goes back in time over a life of events", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, delay), { maxLength: 30 }), (life) => {
        let current = redeemedState(NOW);
        let now = NOW;
        for (const [happens, ms] of life) {
          now += ms;
          const next = nextPhase(current, happens, now);
          expect(next.since).toBeGreaterThanOrEqual(current.since);
          expect(next.tokenSince).toBeGreaterThanOrEqual(current.tokenSince);
          if (next.phase === "repairing") expect(next.repairCommandId).not.toBeNull();
          if (next.phase === "live") expect(next.repairCommandId).toBeNull();
          current = next;
        }
      }),
    );
  });
});

describe("health", () => {
  it("follows the phase; errors and silence lower that of a live one", () => {
    const plain = { erring: false, stale: false };
    expect(PAIRING_PHASES.map((phase) => healthScore(phase, plain))).toEqual([null, 0, null, null, 100, 40, 30, 0, null]);
    expect([healthScore("live", { erring: true, stale: false }), healthScore("live", { erring: false, stale: true }), healthScore("live", { erring: true, stale: true })]).toEqual([80, 70, 50]);
  });
});

describe("a pairing's row", () => {
  it("tells its phase until a machine is involved", () => {
    const of = (status: "pending" | "redeemed" | "closed", expiresAt: number) => phaseOfRow({ status, expiresAt }, NOW);
    expect([of("pending", NOW + 1), of("pending", NOW), of("redeemed", NOW - 1), of("closed", NOW + 1)]).toEqual(["pending", "expired", "redeemed", "closed"]);
  });
});
