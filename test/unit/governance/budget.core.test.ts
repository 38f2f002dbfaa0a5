import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeLimit, expire, release, reserve, settle, statusOf, type Balance, type LedgerRows, type Reservation, type Usage } from "../../../durable-objects/budget/budget.core";
import { alertStateOf, GLOBAL_ACCOUNT, isWholeMicros, MAX_LIMIT_USD, microsToUsd, periodEnd, periodOf, tenantAccount, userAccount, usdToMicros } from "../../../src/governance/budgets/money.core";

const NOVEMBER = Date.UTC(2026, 10, 20);
const TTL_MS = 600_000;

class MemoryRows implements LedgerRows {
  readonly limits = new Map<string, number>();
  readonly balances = new Map<string, Balance>();
  readonly reservations = new Map<string, Reservation>();

  limitOf(account: string): number | null {
    return this.limits.get(account) ?? null;
  }
  putLimit(account: string, limit: number | null): void {
    if (limit === null) this.limits.delete(account);
    else this.limits.set(account, limit);
  }
  balanceOf(account: string, period: string): Balance | null {
    return this.balances.get(`${account}|${period}`) ?? null;
  }
  putBalance(balance: Balance): void {
    this.balances.set(`${balance.account}|${balance.period}`, balance);
  }
  findReservation(owner: string, id: string): Reservation | null {
    return this.reservations.get(`${owner}|${id}`) ?? null;
  }
  putReservation(reservation: Reservation): void {
    this.reservations.set(`${reservation.owner}|${reservation.id}`, reservation);
  }
  listExpired(now: number, max: number): Reservation[] {
    return [...this.reservations.values()].filter(({ status, expiresAt }) => status === "open" && expiresAt <= now).sort((a, b) => a.expiresAt - b.expiresAt).slice(0, max);
  }
}

const usage = (cost: number): Usage => ({ cost, model: "m", inputTokens: 1, outputTokens: 2 });

function ask(rows: LedgerRows, id: string, amount: number, now = NOVEMBER, options: { tenant?: string; tenantLimit?: number | null; userId?: string; ttlMs?: number } = {}) {
  const { tenant = "alpha", tenantLimit = null, userId, ttlMs = TTL_MS } = options;
  const accounts = [GLOBAL_ACCOUNT, tenantAccount(tenant), ...(userId === undefined ? [] : [userAccount(userId)])];
  return reserve(rows, { owner: "o", id, amount, accounts, toldLimits: { [tenantAccount(tenant)]: tenantLimit }, tenant, userId: userId ?? null, model: null, ttlMs }, now);
}

/** Every balance is the sum of what it is made of: nothing is lost, nothing is made. */
function expectConserved(rows: MemoryRows): void {
  const sums = new Map<string, { spent: number; reserved: number }>();
  for (const { accounts, period, status, amount, usage: used } of rows.reservations.values()) {
    for (const account of accounts) {
      const sum = sums.get(`${account}|${period}`) ?? { spent: 0, reserved: 0 };
      sums.set(`${account}|${period}`, { spent: sum.spent + (used?.cost ?? 0), reserved: sum.reserved + (status === "open" ? amount : 0) });
    }
  }
  for (const [key, { spent, reserved }] of rows.balances) expect({ key, spent, reserved }).toEqual({ key, ...(sums.get(key) ?? { spent: 0, reserved: 0 }) });
  for (const key of sums.keys()) expect(rows.balances.has(key)).toBe(true);
}

describe("money", () => {
  test("six decimals are exact both ways, a seventh is refused", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_LIMIT_USD * 1e6 }), (micros) => {
        const usd = Number((BigInt(micros) / 1_000_000n).toString() + "." + (BigInt(micros) % 1_000_000n).toString().padStart(6, "0"));
        expect(usdToMicros(usd)).toBe(micros);
        expect(microsToUsd(micros)).toBe(usd);
      }),
    );
    expect(isWholeMicros(0.0000001)).toBe(false);
    expect(isWholeMicros(12.3456785)).toBe(false);
    expect(() => usdToMicros(-1)).toThrow(RangeError);
    expect(() => usdToMicros(Number.NaN)).toThrow(RangeError);
    expect(() => usdToMicros(MAX_LIMIT_USD + 1)).toThrow(RangeError);
  });

  test("alerts begin at exactly 80 and 100 percent", () => {
    expect(alertStateOf(799_999, 1_000_000)).toBe("ok");
    expect(alertStateOf(800_000, 1_000_000)).toBe("warning");
    expect(alertStateOf(999_999, 1_000_000)).toBe("warning");
    expect(alertStateOf(1_000_000, 1_000_000)).toBe("exceeded");
    expect(alertStateOf(0, 0)).toBe("exceeded");
    expect(alertStateOf(1e15, null)).toBe("ok");
  });

  test("months are UTC's", () => {
    expect(periodOf(Date.UTC(2026, 11, 31, 23, 59, 59, 999))).toBe("2026-12");
    expect(periodEnd(Date.UTC(2026, 11, 31, 23, 59, 59, 999))).toBe(Date.UTC(2027, 0, 1));
  });
});

describe("the ledger", () => {
  test("a reservation needs room in every account, and takes it in all or none", () => {
    const rows = new MemoryRows();
    changeLimit(rows, GLOBAL_ACCOUNT, 100, NOVEMBER);
    changeLimit(rows, userAccount("u"), 30, NOVEMBER);
    expect(ask(rows, "a", 30, NOVEMBER, { userId: "u" }).verdict.kind).toBe("granted");
    expect(ask(rows, "b", 1, NOVEMBER, { userId: "u" }).verdict).toMatchObject({ kind: "exceeded", account: "user:u", free: 0 });
    expect(ask(rows, "c", 71).verdict).toMatchObject({ kind: "exceeded", account: "global", free: 70 });
    expect(ask(rows, "d", 51, NOVEMBER, { tenantLimit: 80 }).verdict).toMatchObject({ kind: "exceeded", account: "tenant:alpha", free: 50 });
    expect(statusOf(rows, GLOBAL_ACCOUNT, NOVEMBER)).toMatchObject({ spent: 0, reserved: 30 });
    expectConserved(rows);
  });

  test("a repeat gets the first answer; the same id for something else does not", () => {
    const rows = new MemoryRows();
    const first = ask(rows, "a", 10).verdict;
    expect(ask(rows, "a", 10).verdict).toEqual({ ...first, repeated: true });
    expect(ask(rows, "a", 11).verdict).toEqual({ kind: "mismatch" });
    expect(settle(rows, "o", "a", usage(4), NOVEMBER).verdict).toMatchObject({ kind: "settled", repeated: false });
    expect(settle(rows, "o", "a", usage(4), NOVEMBER).verdict).toMatchObject({ kind: "settled", repeated: true });
    expect(settle(rows, "o", "a", usage(5), NOVEMBER).verdict).toEqual({ kind: "mismatch" });
    expect(release(rows, "o", "a", NOVEMBER)).toEqual({ kind: "settled" });
    expect(settle(rows, "o", "x", usage(5), NOVEMBER).verdict).toEqual({ kind: "unknown" });
    expect(ask(rows, "a", 10).verdict).toEqual({ kind: "closed", status: "settled" });
    expect(statusOf(rows, GLOBAL_ACCOUNT, NOVEMBER)).toMatchObject({ spent: 4, reserved: 0 });
  });

  test("an overrun is booked in full, shows as exceeded, and nothing more is granted, not even for nothing", () => {
    const rows = new MemoryRows();
    changeLimit(rows, GLOBAL_ACCOUNT, 100, NOVEMBER);
    ask(rows, "a", 50);
    expect(settle(rows, "o", "a", usage(140), NOVEMBER).alerts).toEqual([{ account: "global", period: "2026-11", from: "ok", to: "exceeded", spent: 140, limit: 100 }]);
    expect(statusOf(rows, GLOBAL_ACCOUNT, NOVEMBER)).toMatchObject({ spent: 140, reserved: 0, alert: "exceeded" });
    expect(ask(rows, "b", 0).verdict).toMatchObject({ kind: "exceeded", account: "global", free: 0 });
  });

  test("what expired or was released is free again; its late settlement is booked", () => {
    const rows = new MemoryRows();
    changeLimit(rows, GLOBAL_ACCOUNT, 100, NOVEMBER);
    ask(rows, "a", 100);
    expect(ask(rows, "b", 100).verdict.kind).toBe("exceeded");
    // Over, though nobody let go of it yet.
    expect(ask(rows, "a", 100, NOVEMBER + TTL_MS).verdict).toEqual({ kind: "closed", status: "expired" });
    expect(ask(rows, "b", 100, NOVEMBER + TTL_MS).verdict.kind).toBe("granted");
    expect(rows.findReservation("o", "a")?.status).toBe("expired");
    settle(rows, "o", "a", usage(60), NOVEMBER + TTL_MS);
    expect(statusOf(rows, GLOBAL_ACCOUNT, NOVEMBER)).toMatchObject({ spent: 60, reserved: 100 });
    release(rows, "o", "b", NOVEMBER);
    release(rows, "o", "b", NOVEMBER);
    settle(rows, "o", "b", usage(10), NOVEMBER);
    expect(statusOf(rows, GLOBAL_ACCOUNT, NOVEMBER)).toMatchObject({ spent: 70, reserved: 0 });
    expectConserved(rows);
  });

  test("more than one page of expired reservations is given back before anybody is refused", () => {
    const rows = new MemoryRows();
    changeLimit(rows, GLOBAL_ACCOUNT, 1_200, NOVEMBER);
    for (let i = 0; i < 1_200; i++) ask(rows, `r${i}`, 1);
    expect(ask(rows, "last", 1_200, NOVEMBER + TTL_MS).verdict.kind).toBe("granted");
  });

  test("a month begins at zero; what was reserved before is booked before", () => {
    const rows = new MemoryRows();
    const lastMoment = Date.UTC(2026, 11, 1) - 1;
    changeLimit(rows, GLOBAL_ACCOUNT, 100, lastMoment);
    ask(rows, "a", 100, lastMoment);
    expect(ask(rows, "b", 100, lastMoment + 1).verdict.kind).toBe("granted");
    settle(rows, "o", "a", usage(90), lastMoment + 2);
    expect(rows.balanceOf(GLOBAL_ACCOUNT, "2026-11")).toMatchObject({ spent: 90, reserved: 0, alert: "warning" });
    expect(rows.balanceOf(GLOBAL_ACCOUNT, "2026-12")).toMatchObject({ spent: 0, reserved: 100, alert: "ok" });
  });

  test("a limit may fall below what is spent; each crossing is told once", () => {
    const rows = new MemoryRows();
    ask(rows, "a", 50);
    settle(rows, "o", "a", usage(50), NOVEMBER);
    expect(changeLimit(rows, GLOBAL_ACCOUNT, 60, NOVEMBER).map(({ to }) => to)).toEqual(["warning"]);
    expect(changeLimit(rows, GLOBAL_ACCOUNT, 61, NOVEMBER)).toEqual([]);
    expect(changeLimit(rows, GLOBAL_ACCOUNT, 50, NOVEMBER).map(({ to }) => to)).toEqual(["exceeded"]);
    expect(ask(rows, "b", 1).verdict.kind).toBe("exceeded");
    expect(changeLimit(rows, GLOBAL_ACCOUNT, null, NOVEMBER).map(({ to }) => to)).toEqual(["ok"]);
  });

  test("whatever happens in whatever order: no grant beyond a limit, no refusal while there is room, no money lost", () => {
    const accountOf = fc.constantFrom<string>("alpha", "beta", "gamma");
    const amount = fc.integer({ min: 0, max: 400 });
    const limit = fc.option(fc.integer({ min: 0, max: 1_000 }), { freq: 4 });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("reserve" as const), id: fc.nat(40), amount, tenant: accountOf, tenantLimit: limit, user: fc.option(fc.constantFrom("u1", "u2")), ttl: fc.integer({ min: 1, max: 50 }) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("settle" as const), id: fc.nat(40), cost: fc.integer({ min: 0, max: 600 }) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), id: fc.nat(40) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("expire" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("limit" as const), account: fc.constantFrom(GLOBAL_ACCOUNT, "user:u1", "user:u2"), limit }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 40 }) }) },
    );
    let grants = 0;
    let refusals = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, acrossMonths) => {
        const rows = new MemoryRows();
        let now = acrossMonths ? Date.UTC(2026, 11, 1) - 200 : NOVEMBER;
        for (const [index, action] of steps.entries()) {
          switch (action.kind) {
            case "reserve": {
              const isNew = rows.findReservation("o", `r${action.id}`) === null;
              const { verdict } = ask(rows, `r${action.id}`, action.amount, now, { tenant: action.tenant, tenantLimit: action.tenantLimit, ttlMs: action.ttl, ...(action.user === null ? {} : { userId: action.user }) });
              if (!isNew) break;
              const accounts = [GLOBAL_ACCOUNT, `tenant:${action.tenant}`, ...(action.user === null ? [] : [`user:${action.user}`])].map((account) => statusOf(rows, account, now));
              if (verdict.kind === "granted") {
                grants++;
                for (const account of accounts) expect(account.spent + account.reserved, `step ${index}`).toBeLessThanOrEqual(account.limit ?? Infinity);
              } else {
                refusals++;
                expect(accounts.some(({ spent, reserved, limit: ceiling }) => ceiling !== null && (spent + reserved + action.amount > ceiling || spent >= ceiling)), `step ${index}`).toBe(true);
              }
              break;
            }
            case "settle":
              settle(rows, "o", `r${action.id}`, usage(action.cost), now);
              break;
            case "release":
              release(rows, "o", `r${action.id}`, now);
              break;
            case "expire":
              expire(rows, now);
              break;
            case "limit":
              changeLimit(rows, action.account, action.limit, now);
              break;
            case "wait":
              now += action.ms;
          }
          expectConserved(rows);
        }
        // A reservation is used at most once, so money that is settled, given back or let go adds up to what was granted.
        for (const { status, usage: used } of rows.reservations.values()) expect(used !== null).toBe(status === "settled");
      }),
      { numRuns: 300 },
    );
    expect(Math.min(grants, refusals)).toBeGreaterThan(20);
  });
});
