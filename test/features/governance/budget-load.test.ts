import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { auditLedger, issueKey, ledger, listPeaks, seedTenant, watchPeaks } from "../../support/budget";
import { api, uniqueName, type ApiAnswer } from "../../support/client";
import { expectOperator, operatorToken } from "../../support/governance";

/** The ledger under two hundred requests at once: not a micro-dollar beyond a limit, and not one grant fewer than fits. */

const MANY = 200;
const FITTING = 137;
/** Odd on purpose: no multiple of it is a round number. */
const PRICE = 137_311;
const MICROS = 1_000_000;
const HOUR_MS = 3_600_000;
/** Hundreds of requests through the whole worker, each checked against its record; other tests may share the machine. */
const PATIENCE_MS = 120_000;
const usd = (micros: number): number => micros / MICROS;

interface Answered {
  readonly id: string;
  readonly token: string;
  readonly status: number;
  readonly account: string | undefined;
}

/** One caller that repeats what was not answered, under the same id: as a gateway does. */
async function persist(method: string, path: string, token: string, body?: unknown): Promise<ApiAnswer<Record<string, unknown>>> {
  for (let tries = 0; ; tries++) {
    const answer = await api(method, path, { token, body });
    if (answer.status < 500 || tries >= 5) return answer;
  }
}

async function ask(token: string, micros: number, fields: Readonly<Record<string, unknown>> = {}): Promise<Answered> {
  const id = uniqueName("call");
  const { status, body } = await persist("POST", "/api/v1/ai-budget/reservations", token, { id, amountUsd: usd(micros), ...fields });
  return { id, token, status, account: body["account"] as string | undefined };
}

const settle = ({ id, token }: Pick<Answered, "id" | "token">, micros: number) => persist("POST", `/api/v1/ai-budget/reservations/${id}/settle`, token, { costUsd: usd(micros), model: "gpt-small", inputTokens: 3, outputTokens: 1 });
const release = ({ id, token }: Pick<Answered, "id" | "token">) => persist("DELETE", `/api/v1/ai-budget/reservations/${id}`, token);

interface GlobalBudget {
  readonly currentSpendUsd: number;
  readonly reservedUsd: number;
}
const held = async (): Promise<number> => {
  const { currentSpendUsd, reservedUsd } = await expectOperator<GlobalBudget & Record<string, unknown>>(200, "GET", "/api/v1/ai-budget/global");
  return Math.round((currentSpendUsd + reservedUsd) * MICROS);
};
/** Leaves the organisation exactly this much. @returns the limit, micro-USD */
async function leaveRoom(micros: number): Promise<number> {
  const limit = (await held()) + micros;
  await expectOperator(200, "PUT", "/api/v1/ai-budget/global", { body: { monthlyLimitUsd: usd(limit) } });
  return limit;
}

const statuses = (answers: readonly Answered[], status: number): readonly Answered[] => answers.filter((answer) => answer.status === status);

/** Eight tenants' keys, and an operator. */
const callers = async (): Promise<readonly string[]> => [...(await Promise.all(Array.from({ length: 8 }, async () => issueKey(await seedTenant())))), operatorToken];

/** Runs `work` as if it were `ms` later. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

afterEach(async () => {
  vi.useRealTimers();
  await expectOperator(200, "PUT", "/api/v1/ai-budget/global", { body: { monthlyLimitUsd: null } });
});

describe("two hundred reservations at once", { timeout: PATIENCE_MS }, () => {
  it.each([
    ["the object stays", false],
    ["the object is evicted again and again", true],
  ])("get exactly what one limit has room for, and again what comes free (%s)", async (_how, evicts) => {
    const tokens = await callers();
    await watchPeaks();
    const limit = await leaveRoom(FITTING * PRICE + PRICE - 1);
    let answered = 0;
    let evictions = 0;
    const crowd = (): Promise<readonly Answered[]> =>
      Promise.all(
        Array.from({ length: MANY }, async (_, i) => {
          const answer = await ask(tokens[i % tokens.length] ?? operatorToken, PRICE, { userId: `user-${i % 5}`, ttlSeconds: 600 });
          // Others are on their way to the object, or inside it.
          if (evicts && ++answered % 40 === 20) await evictDurableObject(ledger()).then(() => evictions++, () => undefined);
          return answer;
        }),
      );

    const first = await crowd();
    const granted = statuses(first, 201);
    expect(granted).toHaveLength(FITTING);
    expect(statuses(first, 429).map(({ account }) => account)).toEqual(Array.from({ length: MANY - FITTING }, () => "global"));
    expect(await held()).toBe(limit - PRICE + 1);

    // 40 cost less than was set aside, 30 are not made, 20 are never heard of again; the rest is still at work.
    const [cheap, given, forgotten] = [granted.slice(0, 40), granted.slice(40, 70), granted.slice(70, 90)];
    const cost = (i: number): number => 10_007 * (i + 1) % PRICE;
    const closed = await Promise.all([...cheap.map((answer, i) => settle(answer, cost(i))), ...given.map(release)]);
    expect(closed.map(({ status }) => status)).toEqual([...cheap.map(() => 200), ...given.map(() => 204)]);
    const spent = cheap.reduce((sum, _, i) => sum + cost(i), 0);
    const free = PRICE - 1 + (cheap.length + given.length) * PRICE - spent;
    expect(await held()).toBe(limit - free);

    const second = await crowd();
    const more = Math.floor(free / PRICE);
    expect(statuses(second, 201)).toHaveLength(more);
    expect(evictions >= 2).toBe(evicts);
    expect((await listPeaks()).get("global")).toBeLessThanOrEqual(limit);

    // What ran out is free again, by the alarm alone; those at work settle late, and are booked.
    const rest = await later(HOUR_MS, async () => {
      await runDurableObjectAlarm(ledger());
      expect(await held()).toBe(limit - (FITTING + 1) * PRICE + 1 + spent);
      return Promise.all(granted.slice(90).map((answer) => settle(answer, 1)));
    });
    expect(rest.every(({ status }) => status === 200)).toBe(true);
    expect(await held()).toBe(limit - (FITTING + 1) * PRICE + 1 + spent + rest.length);
    expect(forgotten).toHaveLength(20);
    expect((await listPeaks()).get("global")).toBeLessThanOrEqual(limit);
    expect((await auditLedger()).faults).toEqual([]);
  });

  it("get exactly what each tenant and each person has room for, whatever the others do", async () => {
    const rooms = [1, 3, 7, 11, 12, 18, 24, 25];
    const tenants = await Promise.all(rooms.map(async (room, i) => {
      const price = 10_003 + 7 * i;
      const name = await seedTenant({ monthlyBudgetUsd: usd(room * price + price - 1) });
      return { name, room, price, token: await issueKey(name) };
    }));
    const person = uniqueName("user");
    const limitOfPerson = 6 * 10_003 + 1;
    await expectOperator(200, "PUT", `/api/v1/ai-budget/accounts/${person}`, { body: { monthlyLimitUsd: usd(limitOfPerson) } });
    await watchPeaks();
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, round) => tenants.map(async ({ name, price, token }, i) => ({ name, ...(await ask(token, price, i === 7 && round % 2 === 0 ? { userId: person } : {})) }))).flat(),
    );
    expect(answers).toHaveLength(MANY);
    const peaks = await listPeaks();
    for (const { name, room, price } of tenants.slice(0, 7)) {
      expect(answers.filter((answer) => answer.name === name && answer.status === 201), name).toHaveLength(room);
      expect(peaks.get(`tenant:${name}`)).toBe(room * price);
    }
    // The last tenant has room for all 25, but 13 of its calls are of a person who has room for five at its price.
    const last = tenants[7];
    expect(answers.filter(({ name, status }) => name === last?.name && status === 201)).toHaveLength(12 + Math.floor(limitOfPerson / (last?.price ?? 1)));
    expect(answers.filter(({ account }) => account === `user:${person}`)).toHaveLength(13 - Math.floor(limitOfPerson / (last?.price ?? 1)));
    expect(peaks.get(`user:${person}`)).toBeLessThanOrEqual(limitOfPerson);
    expect((await auditLedger()).faults).toEqual([]);
  });

  it("and two hundred settlements beside them: every one is booked once, and no grant oversteps", async () => {
    const tokens = await callers();
    await leaveRoom(MANY * PRICE);
    const held200 = await Promise.all(Array.from({ length: MANY }, (_, i) => ask(tokens[i % tokens.length] ?? operatorToken, PRICE)));
    expect(statuses(held200, 201)).toHaveLength(MANY);
    await watchPeaks();
    const before = await held();
    const limit = before;
    const results = await Promise.all(
      held200.flatMap((answer, i) => [
        // Each settlement is sent twice: its answer might have been lost.
        settle(answer, 1_001).then(({ status }) => ({ kind: "settled", status })),
        settle(answer, 1_001).then(({ status }) => ({ kind: "settled", status })),
        ask(tokens[(i + 3) % tokens.length] ?? operatorToken, PRICE).then(({ status }) => ({ kind: "asked", status })),
      ]),
    );
    expect(results.filter(({ kind, status }) => kind === "settled" && status === 200)).toHaveLength(2 * MANY);
    const granted = results.filter(({ kind, status }) => kind === "asked" && status === 201).length;
    expect(results.filter(({ kind, status }) => kind === "asked" && status === 429)).toHaveLength(MANY - granted);
    expect(await held()).toBe(before - MANY * PRICE + MANY * 1_001 + granted * PRICE);
    expect((await listPeaks()).get("global")).toBeLessThanOrEqual(limit);
    expect((await auditLedger()).faults).toEqual([]);
  });
});
