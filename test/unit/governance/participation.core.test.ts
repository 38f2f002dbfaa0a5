import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addReport, judge, KEEP_MACHINES, KEEP_VIOLATIONS, NEVER_SEEN, PARTICIPATING_MS, type Participation, type ParticipationEvent } from "../../../src/governance/awareness/participation.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const event = (over: Partial<ParticipationEvent> = {}): ParticipationEvent => ({ kind: "heartbeat", idempotencyKey: "k", at: NOW, ...over });
const violation = (subject: string): ParticipationEvent => event({ kind: "skill_execution", outcome: "policy-violation", violation: { kind: "domain", subject } });
const seen = (version: string | undefined, machine = "m", at = NOW, before: Participation = NEVER_SEEN): Participation => addReport(before, machine, [event({ contractVersion: version })], at).after;

describe("a report", () => {
  it("is urgent when somebody comes, changes version or violates a policy, and not when somebody just stays", () => {
    const first = addReport(NEVER_SEEN, "m", [event({ contractVersion: "v1" })], NOW);
    expect(first.urgent).toBe(true);
    const stays = addReport(first.after, "m", [event({ contractVersion: "v1" })], NOW + 1);
    expect(stays).toMatchObject({ urgent: false, after: { lastSeenAt: NOW + 1, runningVersion: "v1" } });
    expect(addReport(stays.after, "m", [], NOW + 2).urgent).toBe(false);
    expect(addReport(stays.after, "m", [event({ contractVersion: "v2" })], NOW + 2).urgent).toBe(true);
    expect(addReport(stays.after, "other", [], NOW + 2).urgent).toBe(true);
    expect(addReport(stays.after, "m", [violation("a.example")], NOW + 2)).toMatchObject({ urgent: true, after: { policyViolations: 1, skillExecutions: 1, recentViolations: [{ at: NOW, kind: "domain", subject: "a.example" }] } });
  });

  it("counts executions only", () => {
    const { after } = addReport(NEVER_SEEN, "m", [event({ outcome: "policy-violation" }), event({ kind: "agent_card", outcome: "policy-violation" }), event({ kind: "skill_execution", outcome: "ok" })], NOW);
    expect(after).toMatchObject({ policyViolations: 0, skillExecutions: 1, recentViolations: [] });
  });

  it("never takes anything back, and stays bounded", () => {
    const reports = fc.array(fc.record({ machine: fc.constantFrom("a", "b", "c"), bad: fc.boolean(), version: fc.option(fc.constantFrom("v1", "v2"), { nil: undefined }), at: fc.integer({ min: 0, max: 1_000 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(reports, (all) => {
        let known = NEVER_SEEN;
        for (const { machine, bad, version, at } of all) {
          const { after } = addReport(known, machine, [event({ kind: "skill_execution", outcome: bad ? "policy-violation" : "ok", contractVersion: version })], at);
          expect(after.policyViolations).toBe(known.policyViolations + (bad ? 1 : 0));
          expect(after.lastSeenAt).toBeGreaterThanOrEqual(known.lastSeenAt ?? 0);
          known = after;
        }
        expect(known.skillExecutions).toBe(all.length);
        expect(known.recentViolations.length).toBe(Math.min(known.policyViolations, KEEP_VIOLATIONS));
        expect(new Set(known.machines.map((one) => one.machine)).size).toBe(known.machines.length);
      }),
    );
  });

  it("forgets the machines that were unseen for longest", () => {
    let known = NEVER_SEEN;
    for (let i = 0; i < KEEP_MACHINES + 3; i++) known = seen("v1", `m${i}`, NOW + i, known);
    expect(known.machines).toHaveLength(KEEP_MACHINES);
    expect(known.machines[0]?.machine).toBe("m3");
  });
});

describe("a tenant", () => {
  it("takes part for a quarter of an hour after it was seen", () => {
    const known = seen("v1");
    expect(judge(known, "v1", NOW + PARTICIPATING_MS)).toEqual({ participating: true, drifted: false, severity: "ok", runningVersion: "v1" });
    expect(judge(known, "v1", NOW + PARTICIPATING_MS + 1)).toMatchObject({ participating: false, drifted: false, severity: "warning" });
    expect(judge(NEVER_SEEN, "v1", NOW)).toEqual({ participating: false, drifted: false, severity: "warning", runningVersion: null });
  });

  it("has drifted when what runs is known and another", () => {
    expect(judge(seen("v2"), "v1", NOW)).toMatchObject({ participating: true, drifted: true, severity: "warning", runningVersion: "v2" });
    expect(judge(seen(undefined), "v1", NOW)).toMatchObject({ drifted: false, severity: "ok", runningVersion: null });
    expect(judge(seen("v2"), "v1", NOW + 2 * PARTICIPATING_MS)).toMatchObject({ participating: false, drifted: true, runningVersion: "v2" });
  });

  it("of several machines shows the one that runs what it should not", () => {
    const two = seen("v1", "b", NOW, seen("v2", "a", NOW - 1));
    expect(judge(two, "v1", NOW)).toMatchObject({ drifted: true, runningVersion: "v2" });
    expect(judge(two, "v1", NOW + PARTICIPATING_MS)).toMatchObject({ drifted: false, runningVersion: "v1" });
  });

  it("that ever violated a policy stays critical", () => {
    const { after } = addReport(seen("v1"), "m", [violation("a.example")], NOW);
    expect(judge(after, "v1", NOW).severity).toBe("critical");
    expect(judge(seen("v1", "m", NOW + 1, after), "v1", NOW + 365 * 86_400_000).severity).toBe("critical");
  });
});
