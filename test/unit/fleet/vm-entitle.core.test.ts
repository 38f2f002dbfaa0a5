import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entitle, NOTICE_MS, type PaidMachine, type Payer, type Payment, type Verdict } from "../../../src/fleet/vm-reconcile/entitle.core";

const DAY = 86_400_000;
const NOW = Date.UTC(2028, 1, 28, 23, 59);
const machine = (vmId: string, fields: Partial<PaidMachine> = {}): PaidMachine => ({ vmId, addonId: null, createdAt: NOW - 100 * DAY, unpaidSince: null, destroyAfter: null, ...fields });
const addon = (id: string, fields: Partial<Payer> = {}): Payer => ({ id, isUsable: true, endsAt: null, warnedAt: null, createdAt: NOW - 50 * DAY, ...fields });
const payment = (fields: Partial<Payment>): Payment => ({ now: NOW, machines: [], included: 0, includedLeaving: 0, addons: [], addonsLeaving: new Set(), graceUntil: null, isOwnerGone: false, ...fields });
const judge = (fields: Partial<Payment>): Verdict[] => entitle(payment(fields));
const paidBy = (fields: Partial<Payment>): string[] => judge(fields).map(({ machine: { vmId }, isPaid, addonId }) => `${vmId}: ${isPaid ? (addonId ?? "plan") : "nobody"}`);

describe("places", () => {
  it("are those of the plan for the oldest machines, then the add-ons", () => {
    const machines = [machine("young", { createdAt: NOW - 1 }), machine("old", { createdAt: NOW - 9 }), machine("middle", { createdAt: NOW - 5 })];
    expect(paidBy({ machines, included: 1, addons: [addon("x")] })).toEqual(["old: plan", "middle: x", "young: nobody"]);
    expect(paidBy({ machines, included: null })).toEqual(["old: plan", "middle: plan", "young: plan"]);
    expect(paidBy({ machines, included: 5 })).toEqual(["old: plan", "middle: plan", "young: plan"]);
  });

  it("stay with who has them: an add-on that ends takes its own machine, unless another place is free", () => {
    const machines = [machine("old", { addonId: "gone", createdAt: NOW - 9 }), machine("young", { createdAt: NOW - 1 })];
    const gone = addon("gone", { isUsable: false });
    expect(paidBy({ machines, included: 1, addons: [gone] })).toEqual(["old: nobody", "young: plan"]);
    expect(paidBy({ machines, included: 2, addons: [gone] })).toEqual(["old: plan", "young: plan"]);
    expect(paidBy({ machines, included: 1, addons: [gone, addon("other")] })).toEqual(["old: other", "young: plan"]);
    // One that nobody pays for any more does not push others out when places come back.
    expect(paidBy({ machines: [machine("late", { unpaidSince: NOW - DAY, destroyAfter: NOW + DAY, createdAt: NOW - 9 }), machine("young", { createdAt: NOW - 1 })], included: 1 })).toEqual(["late: nobody", "young: plan"]);
  });

  it("take the add-on that lasts longest", () => {
    const addons = [addon("ending", { endsAt: NOW + DAY }), addon("lasting"), addon("older", { createdAt: NOW - 60 * DAY })];
    expect(paidBy({ machines: [machine("a"), machine("b"), machine("c"), machine("d")], addons })).toEqual(["a: older", "b: lasting", "c: ending", "d: nobody"]);
  });

  it("pay for one machine each, also where two are linked to one add-on", () => {
    const machines = [machine("a", { addonId: "x" }), machine("b", { addonId: "x", createdAt: NOW })];
    const [a, b] = judge({ machines, addons: [addon("x", { warnedAt: NOW - 9 * DAY })] });
    expect(a).toMatchObject({ isPaid: true, addonId: "x" });
    // That the add-on ends says nothing to a machine for which it does not pay.
    expect(b).toMatchObject({ isPaid: false, addonId: null, isNotice: true, destroyAfter: NOW + NOTICE_MS });
  });

  it("that a leaving machine holds are not free yet, and take nobody's", () => {
    const machines = [machine("a"), machine("homeless", { addonId: "gone", createdAt: NOW })];
    const addons = [addon("gone", { isUsable: false }), addon("held")];
    expect(paidBy({ machines, included: 2, includedLeaving: 1, addons, addonsLeaving: new Set(["held"]) })).toEqual(["a: plan", "homeless: nobody"]);
    expect(paidBy({ machines: [machine("a"), machine("b")], included: 2, includedLeaving: 1 })).toEqual(["a: plan", "b: plan"]);
  });
});

describe("a machine that nobody pays for", () => {
  it("is told of once, and destroyed three days later", () => {
    const [told] = judge({ machines: [machine("a")] });
    expect(told).toMatchObject({ unpaidSince: NOW, destroyAfter: NOW + NOTICE_MS, isNotice: true, isDestroyed: false });
    const known = machine("a", { unpaidSince: NOW, destroyAfter: NOW + NOTICE_MS });
    expect(judge({ machines: [known], now: NOW + NOTICE_MS - 1 })).toMatchObject([{ isNotice: false, isDestroyed: false, unpaidSince: NOW, destroyAfter: NOW + NOTICE_MS }]);
    expect(judge({ machines: [known], now: NOW + NOTICE_MS })).toMatchObject([{ isNotice: false, isDestroyed: true }]);
    expect(judge({ machines: [known], now: NOW + NOTICE_MS, included: 1 })).toMatchObject([{ isPaid: true, unpaidSince: null, destroyAfter: null, isDestroyed: false }]);
  });

  it("goes at once when its owner was told three days ago that its add-on ends, and not before that", () => {
    const machines = [machine("a", { addonId: "x" })];
    const over = (warnedAt: number | null) => judge({ machines, addons: [addon("x", { isUsable: false, warnedAt })] });
    expect(over(NOW - NOTICE_MS)).toMatchObject([{ isDestroyed: true, isNotice: false, addonId: "x", unpaidSince: NOW, destroyAfter: NOW }]);
    expect(over(NOW - DAY)).toMatchObject([{ isDestroyed: false, isNotice: true, destroyAfter: NOW + 2 * DAY }]);
    expect(over(null)).toMatchObject([{ isDestroyed: false, isNotice: true, destroyAfter: NOW + NOTICE_MS }]);
    // An add-on of which nothing is known any more told nobody.
    expect(judge({ machines })).toMatchObject([{ isDestroyed: false, isNotice: true, addonId: null, destroyAfter: NOW + NOTICE_MS }]);
  });

  it("stays while a downgrade's grace runs, however it came to be unpaid", () => {
    const until = NOW + 7 * DAY;
    expect(judge({ machines: [machine("a")], graceUntil: until })).toMatchObject([{ destroyAfter: until, isNotice: true }]);
    expect(judge({ machines: [machine("a", { unpaidSince: NOW - 9 * DAY, destroyAfter: NOW - DAY })], graceUntil: until })).toMatchObject([{ isDestroyed: false, destroyAfter: until, isNotice: false }]);
    expect(judge({ machines: [machine("a", { addonId: "x" })], addons: [addon("x", { isUsable: false, warnedAt: NOW - 9 * DAY })], graceUntil: until })).toMatchObject([{ isDestroyed: false, destroyAfter: until, isNotice: true }]);
    expect(judge({ machines: [machine("a", { unpaidSince: NOW - 9 * DAY, destroyAfter: NOW - DAY })], graceUntil: NOW })).toMatchObject([{ isDestroyed: true }]);
  });

  it("that lost its place to a move has the time of the one that has it now, and no more", () => {
    const waiting = machine("b", { addonId: "x", unpaidSince: NOW - 2 * DAY, destroyAfter: NOW + DAY, createdAt: NOW - 9 });
    const addons = [addon("x")];
    // Given to another; and taken away first, so that it went to another.
    for (const machines of [[machine("a"), waiting], [machine("a", { addonId: "x" }), waiting], [machine("a", { createdAt: NOW - 1 }), { ...waiting, addonId: null }]]) {
      const verdicts = judge({ machines, addons }).filter(({ isPaid }) => !isPaid);
      const [lost] = verdicts;
      expect(verdicts).toHaveLength(1);
      if (lost?.machine.vmId === "a") expect(lost).toMatchObject({ unpaidSince: NOW, destroyAfter: NOW + DAY, isNotice: true, isDestroyed: false });
      else expect(lost).toMatchObject({ unpaidSince: NOW - 2 * DAY, destroyAfter: NOW + DAY, isNotice: false });
    }
    // At the last moment it is the other that goes.
    expect(judge({ machines: [machine("a"), { ...waiting, destroyAfter: NOW }], addons })).toMatchObject([{ isDestroyed: true, isNotice: false, machine: { vmId: "a" } }, { isPaid: true }]);
    // The earliest comes first; who is left has the whole notice.
    const moved = [machine("a"), machine("c"), machine("d"), { ...waiting, addonId: "x" }, machine("e", { addonId: "y", unpaidSince: NOW, destroyAfter: NOW + 2 * DAY })];
    expect(judge({ machines: moved, addons: [...addons, addon("y")] }).flatMap(({ destroyAfter }) => (destroyAfter === null ? [] : [destroyAfter - NOW]))).toEqual([DAY, 2 * DAY, NOTICE_MS]);
    // A deadline that a grace moved far away makes nobody's longer, and a grace that runs holds for this one, too.
    expect(judge({ machines: [machine("a"), { ...waiting, destroyAfter: NOW + 9 * DAY }], addons })[0]).toMatchObject({ destroyAfter: NOW + NOTICE_MS });
    expect(judge({ machines: [machine("a"), waiting], addons, graceUntil: NOW + 5 * DAY })[0]).toMatchObject({ destroyAfter: NOW + 5 * DAY });
    // What lost its own add-on lost it to nobody.
    expect(judge({ machines: [machine("a", { addonId: "over" }), waiting], addons: [...addons, addon("over", { isUsable: false })] })[0]).toMatchObject({ machine: { vmId: "a" }, destroyAfter: NOW + NOTICE_MS });
  });

  it("goes at once with a deleted account, whoever pays", () => {
    const machines = [machine("a"), machine("b", { addonId: "x" }), machine("c", { unpaidSince: NOW, destroyAfter: NOW + DAY })];
    expect(judge({ machines, included: null, addons: [addon("x")], graceUntil: NOW + DAY, isOwnerGone: true })).toMatchObject([{ isDestroyed: true, isNotice: false }, { isDestroyed: true, isNotice: false }, { isDestroyed: true, isNotice: false }]);
  });
});

type Event =
  | { readonly kind: "create" | "buy" | "check" | "gone_plan" | "no_cap" | "no_grace" }
  | { readonly kind: "destroy" | "warn" | "end" | "resume" | "assign" | "unassign" | "included"; readonly pick: number; readonly other: number }
  | { readonly kind: "grace" | "pass"; readonly days: number };

/** One person's life, as far as machines are paid for: whatever happens at providers, then a check that is applied as the product does. */
class Life {
  now = NOW;
  included: number | null = 1;
  graceUntil: number | null = null;
  machines: PaidMachine[] = [];
  addons: Payer[] = [];
  /** Before when each unpaid machine must not be destroyed. */
  readonly dues = new Map<string, number>();
  destroyed = 0;
  #serial = 0;

  payment = (): Payment => payment({ now: this.now, machines: this.machines, included: this.included, addons: this.addons, graceUntil: this.graceUntil });

  /** As the product's own gate lets people create: only where a place is free. */
  #create(): void {
    const taken = new Set(this.machines.map(({ addonId }) => addonId));
    const free = this.addons.find(({ id, isUsable }) => isUsable && !taken.has(id));
    const without = this.machines.filter(({ addonId }) => addonId === null || !this.addons.some(({ id, isUsable }) => id === addonId && isUsable)).length;
    const isRoom = this.included === null || without < this.included;
    const spare = this.addons.filter(({ id, isUsable }) => isUsable && !taken.has(id)).length - Math.max(0, without - (this.included ?? Infinity));
    if (!isRoom && spare <= 0) return;
    this.machines = [...this.machines, machine(`m${String(++this.#serial).padStart(3, "0")}`, { createdAt: this.now, addonId: isRoom ? null : (free?.id ?? null) })];
  }

  check(): void {
    const verdicts = judge(this.payment());
    this.#hold(verdicts);
    for (const { machine: { vmId }, isPaid } of verdicts) if (isPaid) this.dues.delete(vmId);
    this.machines = verdicts.filter(({ isDestroyed }) => !isDestroyed).map(({ machine: one, addonId, unpaidSince, destroyAfter }) => ({ ...one, addonId, unpaidSince, destroyAfter }));
    this.destroyed += verdicts.length - this.machines.length;
    const again = judge(this.payment());
    expect(again.map(({ addonId, unpaidSince, destroyAfter }) => ({ addonId, unpaidSince, destroyAfter }))).toEqual([...this.machines].sort((a, b) => a.createdAt - b.createdAt || (a.vmId < b.vmId ? -1 : 1)).map(({ addonId, unpaidSince, destroyAfter }) => ({ addonId, unpaidSince, destroyAfter })));
    expect(again.filter(({ isNotice, isDestroyed }) => isNotice || isDestroyed)).toEqual([]);
  }

  #hold(verdicts: readonly Verdict[]): void {
    const paid = verdicts.filter(({ isPaid }) => isPaid);
    const usable = this.addons.filter(({ isUsable }) => isUsable).map(({ id }) => id);
    const used = paid.flatMap(({ addonId }) => (addonId === null ? [] : [addonId]));
    expect(new Set(used).size).toBe(used.length);
    expect(usable).toEqual(expect.arrayContaining(used));
    const inPlan = paid.filter(({ addonId }) => addonId === null).length;
    if (this.included !== null) expect(inPlan).toBeLessThanOrEqual(this.included);
    // What was moved about has the time of those that have its place now, the earliest first.
    const passed = verdicts.flatMap(({ machine: one, isPaid }) => (isPaid && one.unpaidSince !== null ? [this.dues.get(one.vmId) ?? Infinity] : [])).sort((a, b) => a - b);
    for (const { machine: one, isPaid, unpaidSince, destroyAfter, isNotice, isDestroyed } of verdicts) {
      if (isPaid) {
        expect([unpaidSince, destroyAfter, isNotice, isDestroyed]).toEqual([null, null, false, false]);
        continue;
      }
      // Nobody goes without while a place is free.
      expect(used).toHaveLength(usable.length);
      expect(inPlan).toBe(this.included);
      if (one.unpaidSince === null) {
        const isMoved = one.addonId === null || usable.includes(one.addonId);
        const warnedAt = this.addons.find(({ id, isUsable }) => id === one.addonId && !isUsable)?.warnedAt ?? this.now;
        this.dues.set(one.vmId, Math.min(Math.min(warnedAt, this.now) + NOTICE_MS, (isMoved ? passed.shift() : undefined) ?? Infinity));
      }
      expect(destroyAfter).toBeGreaterThanOrEqual(this.dues.get(one.vmId) ?? Infinity);
      if (isDestroyed) expect(this.graceUntil ?? 0).toBeLessThanOrEqual(this.now);
      expect(isDestroyed).toBe((destroyAfter ?? Infinity) <= this.now);
    }
  }

  happen(event: Event): void {
    const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];
    const change = (id: string | undefined, fields: Partial<Payer>) => void (this.addons = this.addons.map((one) => (one.id === id ? { ...one, ...fields } : one)));
    const link = (vmId: string | undefined, addonId: string | null) => void (this.machines = this.machines.map((one) => (one.vmId === vmId ? { ...one, addonId } : addonId !== null && one.addonId === addonId ? { ...one, addonId: null } : one)));
    switch (event.kind) {
      case "create":
        return this.#create();
      case "buy":
        this.addons = [...this.addons, addon(`x${++this.#serial}`, { createdAt: this.now })];
        return;
      case "gone_plan":
        this.included = 0;
        return;
      case "no_cap":
        this.included = null;
        return;
      case "no_grace":
        this.graceUntil = null;
        return;
      case "included":
        this.included = event.pick % 4;
        return;
      case "destroy":
        this.machines = this.machines.filter((one) => one !== pick(this.machines, event.pick));
        return;
      case "warn":
        return change(pick(this.addons.filter(({ isUsable }) => isUsable), event.pick)?.id, { warnedAt: this.now, endsAt: this.now + NOTICE_MS });
      case "end":
        return change(pick(this.addons, event.pick)?.id, { isUsable: false, endsAt: null });
      case "resume":
        return change(pick(this.addons, event.pick)?.id, { isUsable: true, warnedAt: null, endsAt: null });
      case "assign": {
        const payer = pick(this.addons.filter(({ isUsable }) => isUsable), event.other);
        return payer && link(pick(this.machines, event.pick)?.vmId, payer.id);
      }
      case "unassign":
        return link(pick(this.machines, event.pick)?.vmId, null);
      case "grace":
        this.graceUntil = this.now + event.days * DAY;
        return;
      case "pass":
        this.now += event.days * DAY;
        return;
      case "check":
        return this.check();
    }
  }
}

const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom("create" as const, "create" as const, "buy" as const, "check" as const, "check" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("gone_plan" as const, "no_cap" as const, "no_grace" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("destroy" as const, "warn" as const, "end" as const, "resume" as const, "assign" as const, "unassign" as const, "included" as const), pick: fc.nat(9), other: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("grace" as const, "pass" as const), days: fc.constantFrom(0.1, 1, 2, 3, 7) }) },
);

describe("any life", () => {
  it("gives every place once, destroys nobody untold or in a grace, and keeps nobody who was told for longer than that", () => {
    let destroyed = 0;
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 20, maxLength: 80, size: "max" }), (events) => {
        const life = new Life();
        for (const event of events) life.happen(event);
        life.check();
        // With nothing else happening, whoever is not paid for is gone after the notice and what is left of a grace.
        life.now = Math.max(life.now + NOTICE_MS, life.graceUntil ?? 0, ...life.machines.map(({ destroyAfter }) => destroyAfter ?? 0));
        life.check();
        expect(life.machines.filter(({ unpaidSince }) => unpaidSince !== null)).toEqual([]);
        destroyed += life.destroyed;
      }),
      { numRuns: 300 },
    );
    expect(destroyed).toBeGreaterThan(20);
  });

  it("keeps no more machines than are paid for by moving places round, for longer than the notice", () => {
    const aMove = fc.record({ kind: fc.constantFrom("assign" as const, "assign" as const, "unassign" as const, "check" as const, "create" as const), pick: fc.nat(9), other: fc.nat(9), hours: fc.integer({ min: 0, max: 12 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 2 }), fc.array(aMove, { minLength: 30, maxLength: 80, size: "max" }), (more, included, bought, moves) => {
        const life = new Life();
        life.included = included + more;
        for (let i = 0; i < included + more; i++) life.happen({ kind: "create" });
        for (let i = 0; i < bought; i++) life.happen({ kind: "buy" });
        for (let i = 0; i < bought; i++) life.happen({ kind: "create" });
        const places = included + bought;
        expect(life.machines).toHaveLength(places + more);
        life.included = included;
        life.check();
        for (const { kind, pick, other, hours } of moves) {
          life.now += (hours * DAY) / 24;
          life.happen(kind === "check" || kind === "create" ? { kind } : { kind, pick, other });
          if (life.now >= NOW + NOTICE_MS) break;
        }
        life.now = Math.max(life.now, NOW + NOTICE_MS);
        life.check();
        expect(life.machines.length).toBeLessThanOrEqual(places);
      }),
    );
  });

  it.each([
    ["given from one to the next", ["link", "check"]],
    ["taken away, and given to the next after a check", ["unlink", "check", "link", "check"]],
    ["taken away, and given to the next before a check", ["unlink", "link", "check"]],
  ])("one add-on that goes round among three machines is %s, and keeps one", (_, acts) => {
    const life = new Life();
    life.included = 3;
    for (let i = 0; i < 3; i++) life.happen({ kind: "create" });
    life.happen({ kind: "buy" });
    life.included = 0;
    life.check();
    for (let day = 0; day < 41; day++) {
      const next = (life.machines.findIndex(({ unpaidSince }) => unpaidSince === null) + 1) % life.machines.length;
      for (const act of acts) life.happen(act === "check" ? { kind: "check" } : act === "link" ? { kind: "assign", pick: next, other: 0 } : { kind: "unassign", pick: life.machines.findIndex(({ addonId }) => addonId !== null), other: 0 });
      life.happen({ kind: "pass", days: 1 });
      if (day >= 3) expect(life.machines).toHaveLength(1);
    }
  });

  it("is judged the same in whatever order machines and add-ons are read", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 10, maxLength: 40, size: "max" }), fc.nat(20), (events, turn) => {
        const life = new Life();
        for (const event of events) life.happen(event);
        const turned = <T>(list: readonly T[]): T[] => (list.length === 0 ? [] : [...list.slice(turn % list.length), ...list.slice(0, turn % list.length)].reverse());
        const straight = life.payment();
        expect(entitle({ ...straight, machines: turned(straight.machines), addons: turned(straight.addons) })).toEqual(entitle(straight));
      }),
    );
  });
});
