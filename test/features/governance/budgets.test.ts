import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { auditLedger, dropTenant, issueKey, ledger, putTenant, seedTenant } from "../../support/budget";
import { expectStatus, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };
const MINUTE_MS = 60_000;

interface Budget {
  readonly userId?: string;
  readonly monthlyLimitUsd?: number;
  readonly currentSpendUsd: number;
  readonly budgetAlertState: string;
  readonly ceilingAmount: number;
  readonly limited: boolean;
  readonly reservedUsd: number;
  readonly resetDate: string;
}
interface Reservation {
  readonly id: string;
  readonly status: string;
  readonly accounts: readonly string[];
  readonly expiresAt: string;
  readonly costUsd?: number;
}
interface Refusal {
  readonly code: string;
  readonly detail?: string;
  readonly account?: string;
  readonly availableUsd?: number;
}

const getGlobal = (): Promise<Budget> => expectOperator<Budget>(200, "GET", "/api/v1/ai-budget/global");
const setGlobal = (monthlyLimitUsd: number | null): Promise<Budget> => expectOperator<Budget>(200, "PUT", "/api/v1/ai-budget/global", { body: { monthlyLimitUsd } });
const setAccount = (userId: string, body: unknown): Promise<Budget> => expectOperator<Budget>(200, "PUT", `/api/v1/ai-budget/accounts/${userId}`, { body });
const accountOf = async (userId: string): Promise<Budget | undefined> => (await expectOperator<Budget[]>(200, "GET", "/api/v1/ai-budget/accounts")).find((row) => row.userId === userId);
const reserve = (body: unknown): Promise<Reservation> => expectOperator<Reservation>(201, "POST", "/api/v1/ai-budget/reservations", { body });
const refuse = async (status: number, body: unknown): Promise<Refusal> => expectOperator<Refusal & Record<string, unknown>>(status, "POST", "/api/v1/ai-budget/reservations", { body });
const usageOf = (costUsd: number, model = "gpt-small") => ({ costUsd, model, inputTokens: 100, outputTokens: 20 });
const settle = (id: string, costUsd: number, model?: string): Promise<Reservation> => expectOperator<Reservation>(200, "POST", `/api/v1/ai-budget/reservations/${id}/settle`, { body: usageOf(costUsd, model) });
const spend = async (userId: string, costUsd: number): Promise<void> => void (await settle((await reserve({ amountUsd: costUsd, userId })).id, costUsd));

interface AuditRow {
  readonly action: string;
  readonly actor_id: string | null;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly scope: string | null;
  readonly detail: string;
}
const auditOf = async (subjectId: string, action: string): Promise<AuditRow[]> =>
  (await DB.prepare("SELECT action, actor_id, subject_type, subject_id, scope, detail FROM audit_log WHERE realm = 'governance' AND subject_id = ? AND action = ? ORDER BY id").bind(subjectId, action).all<AuditRow>()).results;

/** Runs `work` as if it were `ms` later. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

/** Waits for what the queue does. */
async function eventually<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await read();
    if (isThere(value)) return value;
    if (tries >= 200) throw new Error(`it never came: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the organisation's budget", () => {
  it("is set in either vocabulary, shown in both, and taken away with null", async () => {
    expect(await setGlobal(1_234.56)).toMatchObject({ monthlyLimitUsd: 1_234.56, ceilingAmount: 1_234.56, limited: true, currency: "USD", budgetAlertState: "ok" });
    expect(await expectOperator(200, "PUT", "/api/v1/ai-budget/global", { body: { ceilingAmount: 0.000001, currency: "USD" } })).toMatchObject({ monthlyLimitUsd: 0.000001, ceilingAmount: 0.000001 });
    expect((await getGlobal()).resetDate).toMatch(/^\d{4}-\d\d-01T00:00:00\.000Z$/);
    const none = await setGlobal(null);
    expect(none).toMatchObject({ ceilingAmount: 0, limited: false, budgetAlertState: "ok" });
    expect(none).not.toHaveProperty("monthlyLimitUsd");
    const [first] = await auditOf("global", "budget.set");
    expect(first).toMatchObject({ subject_type: "GlobalBudget", actor_id: "static", detail: JSON.stringify({ before: { monthlyLimitUsd: null }, after: { monthlyLimitUsd: 1_234.56 } }) });
  });

  it.each([
    ["nothing", {}, "monthlyLimitUsd"],
    ["a negative limit", { monthlyLimitUsd: -1 }, "monthlyLimitUsd"],
    ["a seventh decimal", { monthlyLimitUsd: 0.0000001 }, "monthlyLimitUsd"],
    ["more than a billion", { ceilingAmount: 1_000_000_001 }, "ceilingAmount"],
    ["text", { monthlyLimitUsd: "5" }, "monthlyLimitUsd"],
    ["two limits", { monthlyLimitUsd: 1, ceilingAmount: 2 }, "ceilingAmount"],
    ["another currency", { monthlyLimitUsd: 1, currency: "EUR" }, "currency"],
  ])("refuses %s", async (_what, body, field) => {
    const { code, detail } = await expectOperator<{ code: string; detail: string }>(400, "PUT", "/api/v1/ai-budget/global", { body });
    expect(code).toBe("VALIDATION_ERROR");
    expect(detail).toContain(field);
  });
});

describe("people's budgets", () => {
  it("are listed by id, changed and removed; what was spent stays known", async () => {
    const [b, a] = [uniqueName("zoe"), uniqueName("adam")];
    expect(await setAccount(b, { monthlyLimitUsd: 10 })).toMatchObject({ userId: b, monthlyLimitUsd: 10, ceilingAmount: 10, currentSpendUsd: 0 });
    await setAccount(a, { ceilingAmount: 20 });
    const rows = await expectOperator<{ userId: string }[]>(200, "GET", "/api/v1/ai-budget/accounts");
    expect(rows.map(({ userId }) => userId)).toEqual(rows.map(({ userId }) => userId).toSorted());
    expect(rows).toEqual(expect.arrayContaining([expect.objectContaining({ userId: a }), expect.objectContaining({ userId: b })]));
    await spend(b, 4);
    expect(await expectOperator(200, "DELETE", `/api/v1/ai-budget/accounts/${b}`)).toEqual({ userId: b, status: "deleted" });
    await expectOperator(200, "DELETE", `/api/v1/ai-budget/accounts/${b}`);
    expect(await accountOf(b)).toBeUndefined();
    expect(await setAccount(b, { monthlyLimitUsd: 10 })).toMatchObject({ currentSpendUsd: 4 });
    expect((await auditOf(b, "budget.remove")).map(({ subject_type: type }) => type)).toEqual(["AccountBudget"]);
  });

  it("warn at 80 percent and are exceeded at 100; each crossing is one audit row", async () => {
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 10 });
    await spend(userId, 7.999999);
    expect(await accountOf(userId)).toMatchObject({ budgetAlertState: "ok" });
    await spend(userId, 0.000001);
    expect(await accountOf(userId)).toMatchObject({ budgetAlertState: "warning", currentSpendUsd: 8 });
    await spend(userId, 1);
    const { id } = await reserve({ amountUsd: 0.5, userId });
    await settle(id, 1);
    expect(await accountOf(userId)).toMatchObject({ budgetAlertState: "exceeded", currentSpendUsd: 10, reservedUsd: 0 });
    expect(await refuse(429, { amountUsd: 0, userId })).toMatchObject({ code: "BUDGET_EXCEEDED", account: `user:${userId}`, availableUsd: 0 });
    // Nobody waits for alerts: the object tells D1 of them by itself.
    await later(MINUTE_MS, async () => void (await runDurableObjectAlarm(ledger())));
    const rows = await eventually(() => auditOf(`user:${userId}`, "budget.alert"), (found) => found.length >= 2);
    expect(rows.map(({ detail }) => (JSON.parse(detail) as { after: { budgetAlertState: string } }).after.budgetAlertState)).toEqual(["warning", "exceeded"]);
    expect(rows[0]).toMatchObject({ actor_id: "budget.ledger", subject_type: "Budget" });
  });

  it("may be lowered below what is spent; then nothing more is granted", async () => {
    const userId = uniqueName("user");
    await spend(userId, 5);
    expect(await setAccount(userId, { monthlyLimitUsd: 1 })).toMatchObject({ budgetAlertState: "exceeded", currentSpendUsd: 5 });
    await refuse(429, { amountUsd: 0.01, userId });
    await setAccount(userId, { monthlyLimitUsd: 6 });
    await reserve({ amountUsd: 1, userId });
    await refuse(429, { amountUsd: 0.000001, userId });
    expect((await auditOf(`user:${userId}`, "budget.alert")).length).toBeGreaterThanOrEqual(2);
  });
});

describe("reservations", () => {
  it("are held, settled lower, and repeated without harm", async () => {
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 1 });
    const id = uniqueName("call");
    const first = await reserve({ id, amountUsd: 0.6, userId, model: "gpt-small" });
    expect(first).toMatchObject({ id, status: "open", accounts: ["global", `user:${userId}`] });
    expect(await reserve({ id, amountUsd: 0.6, userId, model: "gpt-small" })).toEqual(first);
    expect(await refuse(409, { id, amountUsd: 0.5, userId })).toMatchObject({ code: "RESERVATION_MISMATCH" });
    expect(await refuse(429, { amountUsd: 0.400001, userId })).toMatchObject({ account: `user:${userId}`, availableUsd: 0.4 });
    expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0, reservedUsd: 0.6 });
    await evictDurableObject(ledger());
    const settled = await settle(id, 0.25);
    expect(settled).toMatchObject({ status: "settled", costUsd: 0.25 });
    expect(await settle(id, 0.25)).toEqual(settled);
    expect((await asOperator("POST", `/api/v1/ai-budget/reservations/${id}/settle`, { body: usageOf(0.26) })).body).toMatchObject({ code: "RESERVATION_SETTLED" });
    expect((await asOperator("DELETE", `/api/v1/ai-budget/reservations/${id}`)).status).toBe(409);
    expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0.25, reservedUsd: 0 });
  });

  it("are given back when released", async () => {
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 1 });
    const { id } = await reserve({ amountUsd: 1, userId });
    for (let i = 0; i < 2; i++) await expectOperator(204, "DELETE", `/api/v1/ai-budget/reservations/${id}`);
    expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0, reservedUsd: 0 });
    // Whoever takes a used id for a new call would spend what nobody set aside.
    expect(await refuse(409, { id, amountUsd: 1, userId })).toMatchObject({ code: "RESERVATION_CLOSED", status: "released" });
    expect((await asOperator("DELETE", "/api/v1/ai-budget/reservations/unknown")).body).toMatchObject({ code: "RESERVATION_NOT_FOUND" });
    expect((await asOperator("POST", "/api/v1/ai-budget/reservations/unknown/settle", { body: usageOf(1) })).body).toMatchObject({ code: "RESERVATION_NOT_FOUND" });
  });

  it("run out by the object's own alarm; a late settlement is booked", async () => {
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 1 });
    const { id } = await reserve({ amountUsd: 1, userId, ttlSeconds: 30 });
    await evictDurableObject(ledger());
    await later(MINUTE_MS, async () => expect(await runDurableObjectAlarm(ledger())).toBe(true));
    expect(await accountOf(userId)).toMatchObject({ reservedUsd: 0 });
    const other = await reserve({ amountUsd: 0.9, userId });
    expect(await settle(id, 0.8)).toMatchObject({ status: "settled" });
    expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0.8, reservedUsd: 0.9 });
    await expectOperator(204, "DELETE", `/api/v1/ai-budget/reservations/${other.id}`);
  });

  it("count in the month in which they were made; the next one begins at zero", async () => {
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 1 });
    const { id } = await reserve({ amountUsd: 1, userId, ttlSeconds: 3_600 });
    await refuse(429, { amountUsd: 0.5, userId });
    const now = new Date();
    await later(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime() + 1_000, async () => {
      expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0, reservedUsd: 0 });
      const next = await reserve({ amountUsd: 1, userId });
      await settle(id, 1);
      expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 0, reservedUsd: 1 });
      await expectOperator(204, "DELETE", `/api/v1/ai-budget/reservations/${next.id}`);
    });
    expect(await accountOf(userId)).toMatchObject({ currentSpendUsd: 1 });
    expect((await auditLedger()).faults).toEqual([]);
  });

  it.each([
    ["a seventh decimal", { amountUsd: 0.1234567 }, "amountUsd"],
    ["a negative amount", { amountUsd: -0.01 }, "amountUsd"],
    ["more than a million", { amountUsd: 1_000_001 }, "amountUsd"],
    ["a strange id", { id: "a b", amountUsd: 1 }, "id"],
    ["a day", { amountUsd: 1, ttlSeconds: 86_400 }, "ttlSeconds"],
  ])("refuse %s", async (_what, body, field) => {
    const refusal = await refuse(400, body);
    expect(refusal.code).toBe("VALIDATION_ERROR");
    expect(refusal.detail).toContain(field);
  });
});

describe("a tenant's model key", () => {
  const keyPath = (tenant: string): string => `/api/v1/ai-budget/${tenant}/litellm-key`;
  const ask = (token: string, body: unknown = { amountUsd: 0.01 }) => ({ token, body });

  it("is shown once, spends its tenant's budget only, and ends when it is issued anew or revoked", async () => {
    const tenant = await seedTenant({ monthlyBudgetUsd: 2 });
    expect((await asOperator("GET", keyPath(tenant))).body).toMatchObject({ code: "MODEL_KEY_NOT_FOUND" });
    const issued = await expectOperator<{ key: string; issuedAt: string }>(201, "POST", keyPath(tenant));
    expect(issued).toMatchObject({ tenant, keyAlias: `opencrane-${tenant}`, secretName: `openclaw-${tenant}-litellm-key`, monthlyBudgetUsd: 2, revokedAt: null });
    expect(issued.key).toMatch(/^sk-sett-[A-Za-z0-9_-]{43}$/);
    const { key: _, ...known } = issued;
    expect(await expectOperator(200, "GET", keyPath(tenant))).toEqual(known);
    expect(JSON.stringify((await DB.prepare("SELECT * FROM governance_model_keys").all()).results)).not.toContain(issued.key);

    const reserved = await expectStatus<Reservation & Record<string, unknown>>(201, "POST", "/api/v1/ai-budget/reservations", ask(issued.key, { amountUsd: 1.5 }));
    expect(reserved).toMatchObject({ accounts: ["global", `tenant:${tenant}`], tenant });
    expect(await expectStatus<Refusal & Record<string, unknown>>(429, "POST", "/api/v1/ai-budget/reservations", ask(issued.key, { amountUsd: 0.500001 }))).toMatchObject({ account: `tenant:${tenant}`, availableUsd: 0.5 });
    expect((await expectStatus<{ detail: string }>(400, "POST", "/api/v1/ai-budget/reservations", ask(issued.key, { amountUsd: 1, tenant: "other" }))).detail).toContain("body.tenant");
    await expectStatus(403, "GET", "/api/v1/ai-budget/global", { token: issued.key });

    const next = await issueKey(tenant);
    await expectStatus(403, "POST", "/api/v1/ai-budget/reservations", ask(issued.key));
    await expectStatus(200, "POST", `/api/v1/ai-budget/reservations/${reserved.id}/settle`, { token: next, body: usageOf(1.25) });
    expect(await expectOperator(200, "POST", `${keyPath(tenant)}/revoke`)).toEqual({ name: tenant, status: "revoked", secretDeleted: true });
    expect(await expectOperator(200, "POST", `${keyPath(tenant)}/revoke`)).toEqual({ name: tenant, status: "revoked", secretDeleted: false });
    await expectStatus(403, "POST", "/api/v1/ai-budget/reservations", ask(next));
    expect((await expectOperator<{ revokedAt: string | null }>(200, "GET", keyPath(tenant))).revokedAt).not.toBeNull();
    expect((await auditOf(tenant, "model_key.issue")).map(({ subject_type: type, scope }) => [type, scope])).toEqual([["Tenant", tenant], ["Tenant", tenant]]);
  });

  it("cannot settle or release what another tenant or an operator reserved", async () => {
    const [mine, theirs] = await Promise.all([seedTenant(), seedTenant()]);
    const [myKey, theirKey] = [await issueKey(mine), await issueKey(theirs)];
    const { id } = await expectStatus<Reservation & Record<string, unknown>>(201, "POST", "/api/v1/ai-budget/reservations", ask(theirKey));
    await expectStatus(404, "POST", `/api/v1/ai-budget/reservations/${id}/settle`, { token: myKey, body: usageOf(0.01) });
    await expectStatus(404, "DELETE", `/api/v1/ai-budget/reservations/${id}`, { token: myKey });
    expect((await asOperator("DELETE", `/api/v1/ai-budget/reservations/${id}`)).status).toBe(404);
    // The same id is another reservation for each.
    expect(await expectStatus(201, "POST", "/api/v1/ai-budget/reservations", ask(myKey, { id, amountUsd: 0.02 }))).toMatchObject({ tenant: mine });
    await expectStatus(204, "DELETE", `/api/v1/ai-budget/reservations/${id}`, { token: theirKey });
  });

  it("reserves nothing while its tenant is suspended, and nothing for ever once the tenant is gone", async () => {
    const tenant = await seedTenant();
    const key = await issueKey(tenant);
    const { id } = await expectStatus<Reservation & Record<string, unknown>>(201, "POST", "/api/v1/ai-budget/reservations", ask(key));
    await putTenant(tenant, { phase: "Suspended" });
    expect(await expectStatus(409, "POST", "/api/v1/ai-budget/reservations", ask(key))).toMatchObject({ code: "TENANT_SUSPENDED" });
    // What a call cost that was under way is booked.
    expect(await expectStatus(200, "POST", `/api/v1/ai-budget/reservations/${id}/settle`, { token: key, body: usageOf(0.01) })).toMatchObject({ status: "settled" });
    expect(await expectOperator(200, "GET", `/api/v1/ai-budget/${tenant}/spend`)).toMatchObject({ currentSpendUsd: 0.01 });
    expect(await refuse(409, { amountUsd: 0.01, tenant })).toMatchObject({ code: "TENANT_SUSPENDED" });
    await putTenant(tenant, { phase: "Running" });
    await expectStatus(201, "POST", "/api/v1/ai-budget/reservations", ask(key));
    await putTenant(tenant, { bornRevision: 9 });
    await expectStatus(403, "POST", "/api/v1/ai-budget/reservations", ask(key));
    expect((await asOperator("GET", keyPath(tenant))).status).toBe(404);
    const again = await issueKey(tenant);
    await dropTenant(tenant);
    await expectStatus(403, "POST", "/api/v1/ai-budget/reservations", ask(again));
    expect(await refuse(404, { amountUsd: 0.01, tenant })).toMatchObject({ code: "TENANT_NOT_FOUND" });
    for (const [method, path] of [["GET", "/spend"], ["GET", "/litellm-key"], ["POST", "/litellm-key"], ["POST", "/litellm-key/revoke"]] as const) {
      expect((await asOperator(method, `/api/v1/ai-budget/nobody${path}`)).body).toMatchObject({ code: "TENANT_NOT_FOUND" });
    }
    await expectStatus(403, "POST", "/api/v1/ai-budget/reservations", ask("sk-sett-unknown"));
  });

  it("stays one, however many are issued at once", async () => {
    const tenant = await seedTenant();
    const keys = await Promise.all(Array.from({ length: 5 }, () => issueKey(tenant)));
    const answers = await Promise.all(keys.map((token) => asOperator("POST", "/api/v1/ai-budget/reservations", { token, body: { amountUsd: 0 } })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403, 403, 403, 403]);
  });
});

describe("what was spent", () => {
  it("is told per tenant from the ledger, dearest model first, and as token usage with filters", async () => {
    const tenant = await seedTenant({ monthlyBudgetUsd: 10 });
    const userId = uniqueName("user");
    await setAccount(userId, { monthlyLimitUsd: 50 });
    const costs = [["gpt-small", 1.5], ["claude-large", 6], ["gpt-small", 1]] as const;
    for (const [model, cost] of costs) await settle((await reserve({ amountUsd: cost, tenant, userId })).id, cost, model);
    await reserve({ amountUsd: 0.25, tenant });
    expect(await expectOperator(200, "GET", `/api/v1/ai-budget/${tenant}/spend`)).toMatchObject({
      tenantName: tenant,
      currentSpendUsd: 8.5,
      totalCostUsd: 8.5,
      monthlyLimitUsd: 10,
      monthlyBudgetUsd: 10,
      remainingBudgetUsd: 1.5,
      reservedUsd: 0.25,
      budgetAlertState: "warning",
      topModels: [{ model: "claude-large", costUsd: 6, requests: 1 }, { model: "gpt-small", costUsd: 2.5, requests: 2 }],
      months: [{ spentUsd: 8.5 }],
      raw: { account: `tenant:${tenant}`, spent: 8_500_000, reserved: 250_000, limit: 10_000_000 },
    });
    await later(MINUTE_MS, async () => void (await runDurableObjectAlarm(ledger())));
    const usage = (query: string) => expectOperator<Record<string, unknown>[]>(200, "GET", `/api/v1/token-usage?${query}`);
    const rows = await eventually(() => usage(`tenant=${tenant}`), (found) => found.length >= 3);
    expect(rows).toHaveLength(3);
    expect(rows.map(({ model }) => model)).toEqual(["gpt-small", "claude-large", "gpt-small"]);
    expect(rows[1]).toMatchObject({ tenant, userId, model: "claude-large", inputTokens: 100, outputTokens: 20, totalTokens: 120, totalCostUsd: 6, totalCost: 6, currency: "USD", budgetCeiling: 50 });
    expect(await usage(`tenant=${tenant}&limit=1`)).toEqual([rows[0]]);
    expect(await usage("limit=5000")).toEqual(expect.arrayContaining(rows));
    expect((await asOperator("GET", "/api/v1/token-usage?limit=0")).status).toBe(400);
    // A message that comes twice changes nothing, and the ledger has nothing left to tell.
    await later(10 * MINUTE_MS, async () => void (await runDurableObjectAlarm(ledger())));
    expect(await usage(`tenant=${tenant}`)).toHaveLength(3);
  });
});
