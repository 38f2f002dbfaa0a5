import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ORPHANS_AT_ONCE, reconcile, REFRESH_MS, SETTLING_MS, type Comparison, type KnownFinding, type SeenComputer, type VmFacts } from "../../../src/fleet/vm-reconcile/reconcile.core";
import type { Computer, ComputerStatus } from "../../../src/kernel/ports/compute";

const NOW = Date.UTC(2028, 1, 28, 23, 59);
const HOUR = 3_600_000;
const computer = (id: string, fields: Partial<Computer> = {}): Computer => ({ id, tag: `tag-${id}`, status: "running", detail: null, createdAt: NOW - HOUR, workspaceId: "w", workspaceName: "sett", ...fields });
const seen = (vmId: string | null, one: Computer): SeenComputer => ({ vmId, computer: one });
const row = (id: string, fields: Partial<VmFacts> = {}): VmFacts => ({ id, tag: `tag-${id}`, status: "online", computerId: `c-${id}`, stepStartedAt: NOW - HOUR / 2, updatedAt: NOW - HOUR / 2, unpaidSince: null, ...fields });
const compare = (fields: Partial<Comparison>) => reconcile({ now: NOW, listedAt: NOW - 1_000, stuckBefore: NOW - HOUR, seen: [], rows: [], known: [], ...fields });
const summaryOf = (fields: Partial<Comparison>): string[] =>
  compare(fields).actions.map((action) => (action.kind === "look" ? `look ${action.reason} ${action.vmId}` : action.kind === "adopt" ? `adopt ${action.computer.id} ${action.vmId}` : `destroy ${action.reason} ${action.computer.id}`));

describe("the provider's list against our rows", () => {
  it("finds nothing to do where both say the same, whatever the machine is doing", () => {
    for (const status of ["booting", "installing", "setup", "online", "failed", "destroying"] as const) {
      expect(compare({ rows: [row("a", { status })], seen: [seen("a", computer("c-a"))] }), status).toEqual({ actions: [], open: [], resolve: [] });
    }
    expect(compare({})).toEqual({ actions: [], open: [], resolve: [] });
  });

  it("adopts the oldest computer that bears the name of a machine without one, and destroys the others once it is known", () => {
    const [old, young] = [computer("x", { createdAt: 1 }), computer("b", { createdAt: 2 })];
    const booting = row("a", { status: "booting", computerId: null });
    expect(summaryOf({ rows: [booting], seen: [seen("a", young), seen("a", old)] })).toEqual(["adopt x a"]);
    expect(summaryOf({ rows: [row("a", { status: "booting", computerId: "x" })], seen: [seen("a", young), seen("a", old)] })).toEqual(["destroy duplicate b"]);
    expect(summaryOf({ rows: [booting], seen: [seen("a", computer("x", { status: "deleting" }))] })).toEqual([]);
    expect(summaryOf({ rows: [row("a", { status: "failed", computerId: null })], seen: [seen("a", old)] })).toEqual(["adopt x a"]);
  });

  it("destroys what bears the name of no machine, or of one that is gone; whoever destroys a machine finds its computer itself", () => {
    expect(summaryOf({ seen: [seen("a", computer("x"))] })).toEqual(["destroy orphan x"]);
    expect(summaryOf({ rows: [row("a", { status: "destroyed" })], seen: [seen("a", computer("c-a")), seen("a", computer("x"))] })).toEqual(["destroy orphan c-a", "destroy orphan x"]);
    expect(summaryOf({ rows: [row("a", { status: "destroying", computerId: null })], seen: [seen("a", computer("x"))] })).toEqual([]);
    expect(summaryOf({ rows: [row("a", { status: "destroying" })], seen: [seen("a", computer("x"))] })).toEqual(["destroy duplicate x"]);
    expect(summaryOf({ seen: [seen("a", computer("x", { status: "deleting" }))] })).toEqual([]);
  });

  it("never touches what is not signed by us, and shows it", () => {
    const { actions, open } = compare({ seen: [seen(null, computer("x", { tag: "sett-0123" })), seen(null, computer("y"))] });
    expect(actions).toEqual([]);
    expect(open).toMatchObject([
      { kind: "unknown_computer", subject: "x", detail: { looks_like_ours: true, name: "sett-0123" } },
      { kind: "unknown_computer", subject: "y", detail: { looks_like_ours: false } },
    ]);
  });

  it("looks at machines that should be up and are lost or down, and at no other", () => {
    expect(summaryOf({ rows: [row("a"), row("b")], seen: [seen("b", computer("c-b"))] })).toEqual(["look lost a"]);
    for (const status of ["stopped", "suspended", "error", "deleting"] as const) expect(summaryOf({ rows: [row("a")], seen: [seen("a", computer("c-a", { status }))] }), status).toEqual(["look stopped a"]);
    for (const status of ["creating", "starting", "restarting", "stopping", "running"] as const) expect(summaryOf({ rows: [row("a")], seen: [seen("a", computer("c-a", { status }))] }), status).toEqual([]);
    for (const status of ["booting", "installing", "setup", "failed", "destroying", "destroyed"] as const) expect(summaryOf({ rows: [row("a", { status })] }), status).toEqual([]);
    // The list may be older than the row.
    expect(summaryOf({ rows: [row("a", { updatedAt: NOW - SETTLING_MS })] })).toEqual([]);
    expect(compare({ rows: [row("a")] }).open).toMatchObject([{ kind: "lost_computer", subject: "a", detail: { computer_id: "c-a" } }]);
  });

  it("shows what is being destroyed for more than an hour", () => {
    expect(compare({ rows: [row("a", { status: "destroying", stepStartedAt: NOW - HOUR })], seen: [seen("a", computer("c-a"))] }).open).toEqual([]);
    expect(compare({ rows: [row("a", { status: "destroying", stepStartedAt: NOW - HOUR - 1 })], seen: [seen("a", computer("c-a"))] })).toMatchObject({ actions: [], open: [{ kind: "stuck_destroy", subject: "a" }] });
  });

  it("takes down nothing when most of what is ours has no row: then the database is lost, not the machines", () => {
    const lost = Array.from({ length: ORPHANS_AT_ONCE + 1 }, (_, i) => seen(`gone${i}`, computer(`x${i}`)));
    const known = Array.from({ length: ORPHANS_AT_ONCE + 1 }, (_, i) => row(`k${i}`));
    const fine = known.map(({ id }) => seen(id, computer(`c-${id}`)));
    const held = compare({ seen: lost });
    expect(held.actions).toEqual([]);
    expect(held.open).toMatchObject(lost.map(({ computer: { id } }) => ({ kind: "orphan_computer", subject: id, detail: { held: true } })));
    expect(summaryOf({ seen: lost.slice(1) })).toHaveLength(ORPHANS_AT_ONCE);
    expect(summaryOf({ seen: [...lost, ...fine], rows: known })).toHaveLength(lost.length);
    // Of twins only one was lost with its row.
    const twins = lost.map(({ computer: one }, i) => seen(`gone${i % 2}`, one));
    expect(summaryOf({ seen: twins })).toHaveLength(ORPHANS_AT_ONCE + 1);
    // What was to go goes, also then.
    expect(summaryOf({ seen: [...lost, seen("t", computer("tomb"))], rows: [row("t", { status: "destroyed" })] })).toEqual(["destroy orphan tomb"]);
  });

  it("opens a finding once, writes it again now and then, and ends it with what it was about", () => {
    const finding = (fields: Partial<KnownFinding>): KnownFinding => ({ id: 1, kind: "unknown_computer", subject: "x", lastSeenAt: NOW - 1, ...fields });
    const stranger = [seen(null, computer("x"))];
    expect(compare({ seen: stranger, known: [finding({})] })).toEqual({ actions: [], open: [], resolve: [] });
    expect(compare({ seen: stranger, known: [finding({ lastSeenAt: NOW - REFRESH_MS })] }).open).toHaveLength(1);
    expect(compare({ known: [finding({}), finding({ id: 3, kind: "provider_unreachable" })] }).resolve.map(({ id }) => id)).toEqual([1]);
    // That nobody pays for a machine others find; it is over when somebody does, or the machine goes, however that came.
    const unpaid = [finding({ kind: "unpaid_machine", subject: "a" })];
    const after = (...rows: VmFacts[]): number => compare({ rows, seen: [seen("a", computer("c-a"))], known: unpaid }).resolve.length;
    expect([after(row("a", { unpaidSince: 1 })), after(row("a", { unpaidSince: 1, status: "failed" }))]).toEqual([0, 0]);
    expect([after(row("a")), after(row("a", { unpaidSince: 1, status: "destroying" })), after(row("a", { status: "destroyed" })), after()]).toEqual([1, 1, 1, 1]);
  });
});

const aStatus = fc.constantFrom<ComputerStatus>("creating", "running", "stopped", "deleting", "error");
const aWorld = fc
  .record({
    rows: fc.uniqueArray(fc.record({ id: fc.constantFrom("a", "b", "c", "d"), status: fc.constantFrom("booting" as const, "online" as const, "failed" as const, "destroying" as const, "destroyed" as const), computerId: fc.constantFrom(null, "1", "2", "3", "4", "5") }), { selector: ({ id }) => id }),
    list: fc.array(fc.record({ id: fc.constantFrom("1", "2", "3", "4", "5", "6"), status: aStatus }), { maxLength: 8 }),
    names: fc.array(fc.constantFrom(null, "a", "b", "c", "d", "e"), { minLength: 7, maxLength: 7 }),
  })
  .map(({ rows, list, names }) => ({ rows: rows.map((one) => row(one.id, one)), seen: list.map(({ id, status }) => seen(names[Number(id)] ?? null, computer(id, { status }))) }));

describe("any list against any rows", () => {
  it("destroys nobody's computer, no machine's own, and never the last one that a living machine could have", () => {
    fc.assert(
      fc.property(aWorld, ({ rows, seen: list }) => {
        const { actions } = compare({ rows, seen: list });
        for (const action of actions) {
          const of = rows.find(({ id }) => id === action.vmId);
          if (action.kind === "look") expect(of?.status).toBe("online");
          if (action.kind === "adopt") expect(of).toMatchObject({ computerId: null });
          if (action.kind !== "destroy") continue;
          expect(list.find(({ computer: { id } }) => id === action.computer.id)?.vmId).toBe(action.vmId);
          if (of && of.status !== "destroyed") expect(of.computerId).not.toBe(action.computer.id);
          if (of && of.status !== "destroyed") expect(of.computerId).not.toBeNull();
        }
        const touched = actions.flatMap((action) => (action.kind === "look" ? [] : [action.computer.id]));
        expect(new Set(touched).size).toBe(touched.length);
      }),
    );
  });

  it("asks for the same in whatever order and however often the provider lists", () => {
    fc.assert(
      fc.property(aWorld, fc.nat(), ({ rows, seen: list }, turn) => {
        const unique = [...new Map(list.map((one) => [one.computer.id, one])).values()];
        const at = unique.length === 0 ? 0 : turn % unique.length;
        const turned = [...unique.slice(at), ...unique.slice(0, at), ...unique];
        const order = (text: readonly string[]): string[] => [...text].sort();
        expect(order(summaryOf({ rows, seen: turned }))).toEqual(order(summaryOf({ rows, seen: unique })));
      }),
    );
  });
});
