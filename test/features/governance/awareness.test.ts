import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ParticipationEvent } from "../../../src/governance/awareness/participation.core";
import type { TenantRpc } from "../../../durable-objects/tenant/tenant.rpc";
import { readEnv, type Env } from "../../../src/env";
import { issueTenantToken } from "../../../src/governance/tenant-sessions/tenant-token";
import { api, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB, ORG_DO, TENANT_DO } = env as unknown as { DB: D1Database; ORG_DO: DurableObjectNamespace; TENANT_DO: DurableObjectNamespace };
const ROLLOUT = "/api/v1/awareness/rollout";
const REPORT = "/api/v1/awareness/participation";
const MINUTE_MS = 60_000;

interface Rollout {
  readonly targetVersion: string;
  readonly promotedWaves: readonly string[];
  readonly nextWave: string | null;
}
interface Row {
  readonly tenant: string;
  readonly lastSeenAt: string | null;
  readonly severity: string;
  readonly policyViolations: number;
}
interface Report {
  readonly total: number;
  readonly participating: number;
  readonly drifted: number;
  readonly critical: number;
  readonly warning: number;
  readonly tenants: readonly Row[];
}

const setRollout = (body: Record<string, unknown>) => expectOperator<Rollout>(200, "PUT", ROLLOUT, { body });
const promote = (wave?: string) => expectOperator<Rollout>(200, "POST", `${ROLLOUT}/promote`, wave === undefined ? {} : { body: { wave } });
const resolve = (tenant: string) => expectOperator(200, "GET", `${ROLLOUT}/resolve/${tenant}`);
const report = (query = "") => expectOperator<Report>(200, "GET", `${REPORT}${query}`);
const rowOf = async (tenant: string) => (await report()).tenants.find((one) => one.tenant === tenant);
const objectOf = (tenant: string) => TENANT_DO.getByName(tenant);
const rpcOf = (tenant: string) => objectOf(tenant) as unknown as TenantRpc;

async function createTenant(fields: Record<string, unknown> = {}, name = uniqueName("tenant")): Promise<string> {
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: name, email: `${name}@example.org`, ...fields } });
  return name;
}

const event = (over: Partial<ParticipationEvent> = {}): ParticipationEvent => ({ kind: "heartbeat", idempotencyKey: crypto.randomUUID(), at: Date.now(), ...over });
const violation = (subject: string, idempotencyKey: string = crypto.randomUUID()): ParticipationEvent => event({ kind: "skill_execution", outcome: "policy-violation", idempotencyKey, violation: { kind: "domain", subject } });
/** A report of a machine, as its object makes it. */
const tell = (tenant: string, events: readonly ParticipationEvent[], machine = "inst_1") => rpcOf(tenant).recordParticipation({ events, seenAt: Date.now(), machine });
const atNow = (now: number): void => void vi.useFakeTimers({ toFake: ["Date"], now });
const pendingOf = async (tenant: string) => (await rpcOf(tenant).pendingEntries(100)).filter((entry) => entry.kind === "participation");

/** Runs the object's alarm at `now` and waits until D1 shows `wanted`. */
async function alarmAt(tenant: string, now: number, wanted: (row: Row | undefined) => boolean): Promise<void> {
  atNow(now);
  await runDurableObjectAlarm(objectOf(tenant));
  vi.useRealTimers();
  await vi.waitFor(async () => expect(wanted(await rowOf(tenant))).toBe(true), { timeout: 10_000 });
}

async function tokenOf(tenant: string): Promise<string> {
  const row = await DB.prepare("SELECT born_revision FROM governance_tenants WHERE name = ?").bind(tenant).first<{ born_revision: number }>();
  const { token } = await issueTenantToken(readEnv(env as unknown as Env), { tenant, bornRevision: row?.born_revision ?? 0, epoch: 0, subject: "test" }, Date.now());
  return token;
}
const send = async (tenant: string, body: Record<string, unknown>) => api("POST", REPORT, { token: await tokenOf(tenant), body });

afterEach(() => void vi.useRealTimers());

describe("the rollout", () => {
  it("is built in until somebody sets one, and then goes wave by wave and back", async () => {
    expect(await expectOperator(200, "GET", ROLLOUT)).toEqual({ targetVersion: "awareness/v1alpha1", stableVersion: "awareness/v1alpha1", waves: ["personal", "project", "department", "org"], promotedWaves: [], shadowMode: false, nextWave: "personal" });

    const set = await setRollout({ targetVersion: " awareness/v2 " });
    expect(set).toEqual({ targetVersion: "awareness/v2", stableVersion: "awareness/v1alpha1", waves: ["personal", "project", "department", "org"], promotedWaves: [], shadowMode: false, nextWave: "personal" });
    expect(await promote()).toMatchObject({ promotedWaves: ["personal"], nextWave: "project" });
    expect(await promote("department")).toMatchObject({ promotedWaves: ["personal", "project", "department"], nextWave: "org" });
    expect(await promote("project")).toMatchObject({ promotedWaves: ["personal", "project"], nextWave: "department" });
    expect(await promote("org")).toMatchObject({ promotedWaves: ["personal", "project", "department", "org"], nextWave: null });
    expect(await promote()).toMatchObject({ promotedWaves: ["personal", "project", "department", "org"], nextWave: null });
    await evictDurableObject(ORG_DO.getByName("org"));
    expect(await expectOperator(200, "POST", `${ROLLOUT}/rollback`)).toMatchObject({ targetVersion: "awareness/v2", promotedWaves: [], nextWave: "personal" });

    await promote();
    // A new one promotes nothing, and what it does not say is built in, not what was before.
    expect(await setRollout({ targetVersion: "awareness/v3", stableVersion: " ", waves: [], shadowMode: true })).toMatchObject({ stableVersion: "awareness/v1alpha1", waves: ["personal", "project", "department", "org"], promotedWaves: [], shadowMode: true });
    expect(await setRollout({ targetVersion: "awareness/v3", stableVersion: "awareness/v2", waves: ["a", "b"] })).toMatchObject({ stableVersion: "awareness/v2", waves: ["a", "b"], shadowMode: false });
    expect(await expectOperator(200, "GET", ROLLOUT)).toMatchObject({ targetVersion: "awareness/v3", nextWave: "a" });

    const { results } = await DB.prepare("SELECT DISTINCT action FROM audit_log WHERE subject_type = 'AwarenessRollout' ORDER BY action").all<{ action: string }>();
    expect(results.map(({ action }) => action)).toEqual(["awareness_rollout.promote", "awareness_rollout.rollback", "awareness_rollout.update"]);
  });

  it("takes promotions one after the other, however many come at once", async () => {
    await setRollout({ targetVersion: "v2", waves: ["a", "b", "c", "d", "e"] });
    const answers = await Promise.all([promote(), promote(), promote()]);
    expect(answers.map((answer) => answer.promotedWaves.length).sort()).toEqual([1, 2, 3]);
    expect(await expectOperator(200, "GET", ROLLOUT)).toMatchObject({ promotedWaves: ["a", "b", "c"] });
    const headers = { "idempotency-key": crypto.randomUUID() };
    for (let i = 0; i < 2; i++) expect(await asOperator("POST", `${ROLLOUT}/promote`, { headers })).toMatchObject({ status: 200, body: { nextWave: "e" } });
  });

  it("refuses what makes no sense", async () => {
    await setRollout({ targetVersion: "v2", waves: ["a", "b"] });
    for (const body of [{}, { targetVersion: " " }, { targetVersion: "v2", waves: ["a", "a"] }, { targetVersion: "v2", waves: ["a", " a"] }, { targetVersion: "v2", waves: [" "] }, { targetVersion: "x".repeat(201) }, { targetVersion: "v2", shadowMode: "yes" }]) {
      expect(await asOperator("PUT", ROLLOUT, { body }), JSON.stringify(body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    expect(await asOperator("POST", `${ROLLOUT}/promote`, { body: { wave: "z" } })).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining("body.wave") } });
    expect(await expectOperator(200, "GET", ROLLOUT)).toMatchObject({ promotedWaves: [] });
    expect(await asOperator("GET", `${ROLLOUT}/resolve/${uniqueName("nobody")}`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect((await api("GET", ROLLOUT)).status).toBe(401);
  });

  it("gives each tenant the version of its wave, and the widest wave's to those without", async () => {
    const [early, late, lost] = [await createTenant({ wave: "a" }), await createTenant(), await createTenant({ wave: "elsewhere" })];
    await setRollout({ targetVersion: "v2", stableVersion: "v1", waves: ["a", "b"] });
    expect(await resolve(early)).toEqual({ tenant: early, version: "v1", promoted: false, shadow: false, wave: "a" });
    await promote();
    expect(await resolve(early)).toEqual({ tenant: early, version: "v2", promoted: true, shadow: false, wave: "a" });
    for (const tenant of [late, lost]) expect(await resolve(tenant)).toEqual({ tenant, version: "v1", promoted: false, shadow: false, wave: "b" });
    await promote();
    expect(await resolve(late)).toMatchObject({ version: "v2", promoted: true });
    await setRollout({ targetVersion: "v2", stableVersion: "v1", waves: ["a", "b"], shadowMode: true });
    await promote();
    expect(await resolve(early)).toEqual({ tenant: early, version: "v1", promoted: true, shadow: true, wave: "a" });
  });
});

describe("participation", () => {
  it("shows who is there, who runs what else, who violated a policy, and who was never seen", async () => {
    await setRollout({ targetVersion: "v2", stableVersion: "v1", waves: ["a"] });
    const [fine, strays, bad, silent] = [await createTenant(), await createTenant(), await createTenant(), await createTenant()];
    const before = await report();
    await send(fine, { kind: "agent_card", idempotencyKey: "1", contractVersion: "v1" });
    await send(strays, { kind: "heartbeat", idempotencyKey: "1", contractVersion: "v2" });
    await send(bad, { kind: "skill_execution", idempotencyKey: "1", contractVersion: "v1", outcome: "policy-violation", payload: { kind: "tool", subject: "shell", more: true } });

    const now = await report();
    const of = (tenant: string) => now.tenants.find((one) => one.tenant === tenant);
    expect(of(fine)).toMatchObject({ participating: true, drifted: false, severity: "ok", runningContractVersion: "v1", expectedContractVersion: "v1", policyViolations: 0, machines: [{ instanceId: null, runningContractVersion: "v1" }] });
    expect(of(strays)).toMatchObject({ participating: true, drifted: true, severity: "warning", runningContractVersion: "v2", expectedContractVersion: "v1" });
    expect(of(bad)).toMatchObject({ participating: true, drifted: false, severity: "critical", policyViolations: 1, skillExecutions: 1, recentViolations: [{ kind: "tool", subject: "shell" }] });
    expect(of(silent)).toEqual({ tenant: silent, lastSeenAt: null, runningContractVersion: null, expectedContractVersion: "v1", participating: false, drifted: false, policyViolations: 0, severity: "warning", skillExecutions: 0, recentViolations: [], machines: [] });
    expect(now).toMatchObject({ total: before.total, participating: before.participating + 3, drifted: before.drifted + 1, critical: before.critical + 1, warning: before.warning - 2 });

    const critical = await report("?severity=critical");
    expect(critical.tenants.map((one) => one.tenant)).toContain(bad);
    expect(critical.tenants.every((one) => one.severity === "critical")).toBe(true);
    expect({ ...critical, tenants: now.tenants }).toEqual(now);
    expect((await report("?severity=warning")).tenants.map((one) => one.tenant)).toEqual(expect.arrayContaining([strays, silent]));
    expect((await report("?severity=whatever")).tenants).toHaveLength(now.total);

    // What is expected follows the rollout at once.
    await promote();
    expect(await rowOf(strays)).toMatchObject({ drifted: false, severity: "ok", expectedContractVersion: "v2" });
    expect(await rowOf(fine)).toMatchObject({ drifted: true, severity: "warning" });
  });

  it("is reported with the tenant's own token, each event once", async () => {
    const tenant = await createTenant();
    const body = { kind: "skill_execution", idempotencyKey: "once", outcome: "policy-violation", occurredAt: "2026-01-01T00:00:00+01:00" };
    expect(await send(tenant, body)).toMatchObject({ status: 201, body: { recorded: true, duplicate: false } });
    expect(await send(tenant, body)).toMatchObject({ status: 200, body: { recorded: false, duplicate: true } });
    // A key is the tenant's own.
    expect(await send(await createTenant(), body)).toMatchObject({ status: 201 });
    expect(await rowOf(tenant)).toMatchObject({ policyViolations: 1, recentViolations: [{ at: "2025-12-31T23:00:00.000Z", kind: "skill", subject: "" }] });

    for (const bad of [{}, { kind: "dance", idempotencyKey: "x" }, { kind: "heartbeat" }, { kind: "heartbeat", idempotencyKey: "" }, { kind: "heartbeat", idempotencyKey: "x".repeat(201) }, { kind: "heartbeat", idempotencyKey: "x", occurredAt: "yesterday" }, { kind: "heartbeat", idempotencyKey: "x", outcome: "fine" }]) {
      expect(await send(tenant, bad), JSON.stringify(bad)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    expect((await api("POST", REPORT, { body })).status).toBe(401);
    expect((await asOperator("POST", REPORT, { body })).status).toBe(403);
  });

  it("counts once what comes twice, also at once and past the object's sleep", async () => {
    const tenant = await createTenant();
    const bad = violation("a.example");
    const answers = await Promise.all([tell(tenant, [bad]), tell(tenant, [bad]), tell(tenant, [bad, bad])]);
    expect(answers.flatMap((answer) => (answer.kind === "ok" ? answer.recorded : [])).filter(Boolean)).toHaveLength(1);
    await evictDurableObject(objectOf(tenant));
    expect(await tell(tenant, [bad, violation("b.example")])).toMatchObject({ kind: "ok", recorded: [false, true] });
    await alarmAt(tenant, Date.now() + MINUTE_MS, (row) => row?.policyViolations === 2);
  });

  it("reaches D1 at once when it matters, seldom when it does not, and never too late", async () => {
    const tenant = await createTenant();
    const start = Date.now();
    atNow(start);
    // A new face matters, then a violation, however soon; both within seconds.
    expect(await tell(tenant, [event({ contractVersion: "v1" })])).toMatchObject({ entry: { revision: 1 } });
    expect(await tell(tenant, [violation("a.example")])).toMatchObject({ entry: null });
    expect(await pendingOf(tenant)).toHaveLength(1);
    await alarmAt(tenant, start + 10_000, (row) => row?.policyViolations === 0);
    expect(await pendingOf(tenant)).toMatchObject([{ revision: 2 }]);
    await alarmAt(tenant, start + 16_000, (row) => row?.policyViolations === 1);
    expect(await pendingOf(tenant)).toEqual([]);

    // An hour of reports every minute: one flush per five minutes, and D1 is never more than ten minutes behind.
    const revisions = new Set<number>();
    for (let minute = 1; minute <= 60; minute++) {
      const now = start + minute * MINUTE_MS;
      atNow(now);
      expect(await tell(tenant, [])).toMatchObject({ entry: null });
      expect(await tell(tenant, [])).toMatchObject({ entry: null });
      await runDurableObjectAlarm(objectOf(tenant));
      const [flushed] = (await pendingOf(tenant)).slice(-1);
      if (!flushed) continue;
      revisions.add(flushed.revision);
      expect(now - ((flushed.snapshot as { lastSeenAt: number }).lastSeenAt)).toBeLessThan(10 * MINUTE_MS);
    }
    expect(revisions.size).toBeGreaterThanOrEqual(10);
    expect(revisions.size).toBeLessThanOrEqual(13);
    // What is not shown yet waits as one entry, not as sixty.
    expect((await pendingOf(tenant)).length).toBeLessThanOrEqual(1);
    expect(await tell(tenant, [event({ contractVersion: "v9" })])).toMatchObject({ entry: { snapshot: { runningVersion: "v9" } } });
  });

  it("survives the object's sleep with a flush outstanding", async () => {
    const tenant = await createTenant();
    const start = Date.now();
    await tell(tenant, [event({ contractVersion: "v1" })]);
    await tell(tenant, [violation("a.example")]);
    await evictDurableObject(objectOf(tenant));
    await alarmAt(tenant, start + 11_000, () => true);
    await evictDurableObject(objectOf(tenant));
    await alarmAt(tenant, start + 20_000, (row) => row?.policyViolations === 1);
  });

  it("ends with the tenant; another of the same name begins at nothing", async () => {
    const tenant = await createTenant();
    const token = await tokenOf(tenant);
    await send(tenant, { kind: "skill_execution", idempotencyKey: "k", outcome: "policy-violation" });
    await tell(tenant, [violation("late.example")]);
    await expectOperator(200, "DELETE", `/api/v1/tenants/${tenant}`);
    expect(await tell(tenant, [violation("later.example")])).toEqual({ kind: "missing" });
    expect([403, 404]).toContain((await api("POST", REPORT, { token, body: { kind: "heartbeat", idempotencyKey: "x" } })).status);
    await createTenant({}, tenant);
    atNow(Date.now() + MINUTE_MS);
    await runDurableObjectAlarm(objectOf(tenant));
    vi.useRealTimers();
    await vi.waitFor(async () => expect(await pendingOf(tenant)).toEqual([]), { timeout: 10_000 });
    expect(await rowOf(tenant)).toMatchObject({ policyViolations: 0, lastSeenAt: null, severity: "warning" });
    expect(await send(tenant, { kind: "skill_execution", idempotencyKey: "k" })).toMatchObject({ status: 201 });
  });

  it("reads the whole fleet in one go", async () => {
    const prepare = vi.spyOn(DB, "batch");
    await report();
    const calls = prepare.mock.calls.length;
    prepare.mockRestore();
    expect(calls).toBe(1);
  });

  it("forgets keys of long ago, of beats sooner than of what counts", async () => {
    const tenant = await createTenant();
    const first = violation("a.example");
    await tell(tenant, [first]);
    for (let i = 0; i < 115; i++) await tell(tenant, Array.from({ length: 20 }, () => event()));
    const { count } = await runInDurableObject(objectOf(tenant), (_, state) => state.storage.sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM participation_keys").one());
    expect(count).toBeLessThanOrEqual(2_102);
    expect(await tell(tenant, [first])).toMatchObject({ recorded: [false] });
  });
});
