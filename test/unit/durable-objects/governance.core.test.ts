import { describe, expect, it } from "vitest";
import { beginsStretch, foldReport, foldTold, hasUntold, NO_REPORTS, PARTICIPATION_MS, pointerOf, toFacts, type ReportState } from "../../../durable-objects/instance/governance.core";
import type { GovernanceBeat, MachineContract } from "../../../durable-objects/instance/governance.rpc";

const beat = (overrides: Partial<GovernanceBeat> = {}): GovernanceBeat => ({ contract_id: "c1", revision: 7, awareness_version: "v1", enforcing: ["domain", "tool"], violations: [], ...overrides });
const violation = (id: string) => ({ id, kind: "tool", subject: "shell", at: "2026-11-22T08:00:00.000Z" });
const contract: MachineContract = { tenant: "acme", revision: 7, contractId: "c1", suspended: false, released: false, jws: "x" };
const known: ReportState = foldTold(foldReport(NO_REPORTS, beat(), 0), { changed: true, violations: [] }, foldReport(NO_REPORTS, beat(), 0).reported);

describe("reports of a governed machine", () => {
  it("change nothing while they say the same: then no row is due", () => {
    expect(hasUntold(known)).toBe(false);
    expect(foldReport(known, beat(), 5)).toBe(known);
    expect(foldReport(NO_REPORTS, null, 5)).toBe(NO_REPORTS);
  });

  it("wait to be told when the contract, the version or what is enforced changes", () => {
    for (const change of [{ contract_id: "c2" }, { revision: 8 }, { awareness_version: "v2" }, { enforcing: ["domain"] }]) expect(hasUntold(foldReport(known, beat(change), 5))).toBe(true);
  });

  it("count each violation once, however often a machine repeats it, also after it was told", () => {
    const first = foldReport(known, beat({ violations: [violation("a"), violation("a"), violation("b")] }), 5);
    expect(first.untold.violations.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(foldReport(first, beat({ violations: [violation("a"), violation("b")] }), 6)).toBe(first);
    const told = foldTold(first, { changed: false, violations: [violation("a"), violation("b")] }, first.reported);
    expect(hasUntold(told)).toBe(false);
    expect(foldReport(told, beat({ violations: [violation("b")] }), 7)).toBe(told);
  });

  it("keep what came while others were being told", () => {
    const first = foldReport(known, beat({ awareness_version: "v2", violations: [violation("a")] }), 5);
    const second = foldReport(first, beat({ awareness_version: "v3", violations: [violation("b")] }), 6);
    const after = foldTold(second, first.untold, first.reported);
    expect(after.untold).toEqual({ changed: true, violations: [violation("b")] });
  });

  it("stay bounded", () => {
    let state = known;
    for (let i = 0; i < 50; i++) state = foldReport(state, beat({ violations: Array.from({ length: 20 }, (_, n) => ({ ...violation(`${i}:${n}`), subject: "x".repeat(4_000) })) }), i);
    expect(state.seen.length).toBeLessThanOrEqual(200);
    expect(state.untold.violations.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(state).length).toBeLessThan(100_000);
  });

  it("know when the last one came, also after they stopped", () => {
    expect(toFacts(contract, known, 500)).toMatchObject({ reportedRevision: 7, lastReportAt: 500 });
    const silent = foldReport(known, null, 400);
    expect(toFacts(contract, silent, 500).lastReportAt).toBe(400);
    expect(foldReport(silent, null, 450)).toBe(silent);
    expect(toFacts(contract, NO_REPORTS, 500).lastReportAt).toBeNull();
  });

  it("are due once in a stretch of time, told by two beats alone", () => {
    const start = PARTICIPATION_MS * 10;
    expect(beginsStretch(start, start + PARTICIPATION_MS - 1)).toBe(false);
    expect(beginsStretch(start - 1, start)).toBe(true);
    expect(beginsStretch(0, start)).toBe(true);
  });
});

describe("what a beat's answer says", () => {
  it("is the contract that the machine should have, and after a release until the machine shows that it knows", () => {
    expect(pointerOf(contract, NO_REPORTS)).toEqual({ id: "c1", revision: 7 });
    const released = { ...contract, revision: 8, released: true };
    expect(pointerOf(released, known)).toEqual({ id: "c1", revision: 8 });
    expect(pointerOf(released, foldReport(known, beat({ revision: 8 }), 5))).toBeNull();
    expect(pointerOf(released, foldReport(known, null, 5))).toBeNull();
    expect(pointerOf(released, NO_REPORTS)).toBeNull();
  });
});
