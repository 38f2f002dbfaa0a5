import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CronJob, Gate, Inspection, Lag, Plan, Removal } from "../../../web/src/admin/admin.types";
import { describeTotal } from "../../../web/src/admin/lists.core";
import { explainMachine, listOddities } from "../../../web/src/admin/machines/offline.core";
import { listChanges, readAuditSearch, readTime } from "../../../web/src/admin/ops/audit-filter.core";
import { describeGate, readAccounts, readPercentage, turnGate } from "../../../web/src/admin/ops/gates.core";
import { foldLag, formatMs, listTroubles } from "../../../web/src/admin/ops/health.core";
import { newPassword } from "../../../web/src/admin/people/new-password.core";
import { describeRange, hasNextPage, readPeopleFilter, writePeopleSearch } from "../../../web/src/admin/people/people-filter.core";
import { describeRemoval, describeSignOut, isTypedAddress, mayChange, maySignOut, planChoices, sortSessions, whyNotRemoved } from "../../../web/src/admin/people/person.core";
import { roleOfToken } from "../../../web/src/auth/role.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const iso = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();
const tokenWith = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

describe("the role that a token names", () => {
  it("is the highest of its groups", () => {
    expect(roleOfToken(tokenWith({ "cognito:groups": ["user", "superadmin"] }))).toBe("superadmin");
    expect(roleOfToken(tokenWith({ "cognito:groups": ["user", "admin"], name: "Zoë ÿ?>" }))).toBe("admin");
    expect(roleOfToken(tokenWith({ "cognito:groups": ["user"] }))).toBe("user");
  });
  it("is user for whatever is no such token", () => {
    expect(roleOfToken(null)).toBe("user");
    expect(roleOfToken(tokenWith({ "cognito:groups": "superadmin" }))).toBe("user");
    fc.assert(fc.property(fc.string(), (text) => roleOfToken(text) === "user"));
  });
});

describe("the filter of people", () => {
  it("survives the address", () => {
    const filters = fc.record({
      q: fc.string().map((text) => text.trim()),
      status: fc.constantFrom("active" as const, "deactivated" as const, "deleted" as const, null),
      role: fc.constantFrom("user" as const, "admin" as const, "superadmin" as const, null),
      verified: fc.constantFrom("yes" as const, "no" as const, null),
      page: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(fc.property(filters, (filter) => {
      expect(readPeopleFilter(writePeopleSearch(filter, { page: filter.page }))).toEqual(filter);
    }));
  });
  it("leaves nonsense aside, and begins anew when it changes", () => {
    expect(readPeopleFilter({ status: "gone", role: "root", verified: "maybe", page: "-3" })).toEqual({ q: "", status: null, role: null, verified: null, page: 1 });
    expect(writePeopleSearch(readPeopleFilter({ q: "ada", page: "4" }), { role: "admin" })).toEqual({ q: "ada", role: "admin" });
  });
  it("says where in the list one is, and never that a count which broke off is whole", () => {
    const list = { page: 2, per_page: 50, total: 120, total_is_exact: true };
    expect(describeRange(list, 50)).toBe("51–100 of 120");
    expect(describeRange({ ...list, total: 10_000, total_is_exact: false }, 50)).toMatch(/^51–100 of more than 10.000$/);
    expect(hasNextPage(list, 50)).toBe(true);
    expect(hasNextPage({ ...list, page: 3 }, 20)).toBe(false);
    expect(hasNextPage({ ...list, total: 100 }, 50)).toBe(false);
    expect(hasNextPage({ ...list, total: 100, total_is_exact: false }, 50)).toBe(true);
    expect(describeTotal({ total: 1, total_is_exact: true }, "bot")).toBe("1 bot");
  });
});

describe("what may be done to whom", () => {
  const [admin, chief] = [{ id: 1, role: "admin" as const }, { id: 2, role: "superadmin" as const }];
  it("follows the server's rules", () => {
    expect(mayChange(admin, { role: "user" })).toBe(true);
    expect(mayChange(admin, { role: "admin" })).toBe(false);
    expect(mayChange(chief, { role: "superadmin" })).toBe(true);
    expect(maySignOut(admin, { id: 1, role: "admin" })).toBe(true);
    expect(maySignOut(admin, { id: 2, role: "superadmin" })).toBe(false);
    expect(whyNotRemoved(chief, { role: "admin", email: "a@b.c" })).toContain("never removed");
    expect(whyNotRemoved(admin, { role: "user", email: "a@b.c" })).toBeNull();
  });
  it("takes the address only as it stands", () => {
    expect(isTypedAddress(" Ada@Example.org ", "ada@example.org")).toBe(true);
    expect(isTypedAddress("ada@example.or", "ada@example.org")).toBe(false);
    expect(isTypedAddress("", "")).toBe(false);
    expect(isTypedAddress("", null)).toBe(false);
  });
});

describe("what was done", () => {
  it("names the devices that stayed", () => {
    const answer = { ok: true, user_id: 1, sessions_revoked: 1, matrix_devices_total: 3, matrix_devices_deleted: 2, matrix_devices_failed: 1, cognito_global_sign_out: true, cognito_error: null, matrix_error: null };
    expect(describeSignOut(answer)).toEqual({ text: "Signed out: 1 session, 2 of 3 Matrix devices.", isWhole: false });
    expect(describeSignOut({ ...answer, matrix_devices_total: 0, matrix_devices_deleted: 0, matrix_error: "matrix_unreachable" })).toEqual({ text: "Signed out: 1 session. The Matrix devices stay: the homeserver cannot be reached.", isWhole: false });
  });
  it("names the steps of a removal that failed", () => {
    const removal: Removal = { ok: false, user_id: 1, email: "a@b.c", reclaimable: true, steps: [{ step: 1, name: "bots", ok: false, detail: "" }, { step: 2, name: "cli_tokens", ok: true, detail: "" }] };
    expect(describeRemoval(removal).text).toContain("1 step did not end: bots.");
    expect(describeRemoval({ ...removal, steps: removal.steps.slice(1) })).toEqual({ text: "a@b.c is gone. The address and the name are free again.", isWhole: true });
  });
  it("offers each other plan the way that it goes", () => {
    const plan = (name: string, tier: number, is_active = true) => ({ name, display_name: name.toUpperCase(), tier, is_active }) as Plan;
    const plans = [plan("team", 3), plan("free", 0), plan("solo", 1), plan("old", 2, false)];
    expect(planChoices(plans, "solo")).toEqual([{ key: "free", name: "FREE", way: "down" }, { key: "team", name: "TEAM", way: "up" }]);
  });
  it("parts sessions that still live from those that do not", () => {
    const session = (id: number, expires_at: string, is_revoked: boolean, last_seen_at: string | null) => ({ id, expires_at, is_revoked, last_seen_at });
    const { live, ended } = sortSessions([session(1, iso(-60), false, null), session(2, iso(-60), false, iso(5)), session(3, iso(60), false, iso(1)), session(4, iso(-60), true, iso(1))], NOW);
    expect([live.map(({ id }) => id), ended.map(({ id }) => id)]).toEqual([[2, 1], [3, 4]]);
  });
});

describe("a password that is made up", () => {
  it("has both cases and a digit, nothing that looks alike, and is another each time", () => {
    const made = Array.from({ length: 50 }, () => newPassword());
    for (const password of made) expect(password).toMatch(/^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])([a-hj-km-np-zA-HJ-KM-NP-Z2-9]{4}-){3}[a-hj-km-np-zA-HJ-KM-NP-Z2-9]{4}$/);
    expect(new Set(made).size).toBe(50);
  });
});

describe("why a machine is offline", () => {
  const row = { label: "den", provider: null, online: false, online_changed_at: iso(60), archived_at: null, plan_disabled_at: null, created_at: iso(9_000), updated_at: iso(60) };
  const object: NonNullable<Inspection["object"]> = { registration: {}, state: { heard: true, reachable: false, online: false, offlineReason: "silence", offlineSince: NOW - 60_000 }, live: { lastSeen: NOW - 90_000 }, flushed_at: iso(60), unannounced: false, projected_online: false, governance: null, samples: 0, link: { kind: "none", since: null }, tokens: [], alarms: [], commands: [], events: [], history: [] };
  const at = (change: Partial<NonNullable<Inspection["object"]>> | null, rowChange: Partial<Inspection["row"]> = {}): Inspection => ({ user_id: 1, instance_id: "m", row: { ...row, ...rowChange }, object: change && { ...object, ...change } });
  const titleOf = (inspection: Inspection): string => explainMachine(inspection).title;

  it("is told by what is nearest to the cause", () => {
    expect(explainMachine(at({}))).toMatchObject({ tone: "bad", title: "It went silent", since: iso(60) });
    expect(titleOf(at({ state: { ...object.state, offlineReason: "revoked" } }))).toBe("Its token was revoked");
    expect(titleOf(at({}, { plan_disabled_at: iso(5) }))).toContain("plan switched it off");
    expect(titleOf(at({}, { archived_at: iso(5), plan_disabled_at: iso(5) }))).toBe("It is archived");
    expect(titleOf(at(null))).toContain("knows no such machine");
    expect(titleOf(at({ state: { heard: false, reachable: false }, live: { lastSeen: 0 } }))).toContain("never heard from");
    expect(titleOf(at({ state: { ...object.state, reachable: true, online: true } }))).toBe("It is online");
    expect(titleOf(at({ state: { ...object.state, reachable: true, gatewayStatus: "crashed" } }))).toContain("gateway does not run");
  });
  it("stands whatever shape the object's parts have", () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.constantFrom("lastSeen", "x"), fc.jsonValue()), (state, live) => titleOf(at({ state, live })).length > 0));
  });
  it("tells what else is odd", () => {
    expect(listOddities(at({}))).toEqual([]);
    const odd = listOddities(at({ tokens: [{ id: "t", cut: "revoked" }], alarms: [{ reason: "silence", due_at: iso(9), overdue: true }], unannounced: true, commands: [{ state: "pending" }, { state: "completed" }] }, { online: true }));
    expect(odd.map((one) => one.split(" ")[0])).toEqual(["The", "1", "Lists", "The", "1"]);
    expect(listOddities(at({ tokens: [{ id: "t", cut: "revoked" }, { id: "u", cut: null }] }))).toEqual([]);
  });
});

describe("the health of the server", () => {
  const lag: Lag = { outbox: { due: 0, oldest_due_at: null, oldest_age_seconds: 0, parked: 0 }, queue: { handled_last_5_minutes: 1, handled_last_hour: 9, capped: false, last_handled_at: iso(9), late_ms: { p50: 5, p95: 40, max: 90 } }, dead_letters: { total: 0, newest_at: null, by_type: [] } };
  const job = (change: Partial<CronJob> = {}): CronJob => ({ job: "outbox.sweep", scheduled_at: iso(30), started_at: iso(30), ended_at: iso(29), outcome: "ok", error: null, duration_ms: 12, failures_last_day: 0, ...change });

  it("has no troubles when all is in time", () => {
    expect(listTroubles(lag, [job(), job({ job: "rows.expire", scheduled_at: iso(3_000) })], 0, NOW)).toEqual([]);
    expect(listTroubles({ ...lag, queue: { ...lag.queue, late_ms: null } }, [], 0, NOW)).toEqual([]);
  });
  it("names what stands still first", () => {
    const bad: Lag = { ...lag, outbox: { due: 4, oldest_due_at: iso(400), oldest_age_seconds: 400, parked: 1 }, dead_letters: { total: 2, newest_at: iso(1), by_type: [] } };
    const troubles = listTroubles(bad, [job({ scheduled_at: iso(600), started_at: iso(700), outcome: "running", ended_at: null })], 3, NOW);
    expect(troubles.map(({ tone }) => tone)).toEqual(["bad", "bad", "bad", "warn", "warn", "warn"]);
    expect(troubles.map(({ title }) => title).join("; ")).toBe("The schedule does not run: the last tick was 10 min ago; Deliveries are late: the oldest effect has been due for 6 min; outbox.sweep never ended; 1 effect gave up; 2 messages could not be handled; 3 findings of the reconcilers are open");
  });
  it("keeps an hour of what was seen", () => {
    let track = foldLag(undefined, lag, NOW);
    for (let look = 1; look <= 400; look++) track = foldLag(track, lag, NOW + look * 10_000);
    expect(track.samples.length).toBe(360);
    expect(track.samples.at(-1)).toEqual({ atMs: NOW + 4_000_000, oldestSeconds: 0, lateMs: 40 });
    expect([formatMs(12.4), formatMs(1_240), formatMs(61_000)]).toEqual(["12 ms", "1.2 s", "1 min"]);
  });
});

describe("gates", () => {
  const gate: Gate = { key: "signup.open", guards: null, is_set: true, enabled: true, percentage: 100, allowed_accounts: [], note: null, updated_at: null };
  it("are told in words", () => {
    expect(describeGate(gate)).toEqual({ tone: "ok", label: "Open" });
    expect(describeGate({ ...gate, percentage: 25, allowed_accounts: [1, 2] }).label).toBe("Open to 25 %, and 2 accounts");
    expect(describeGate({ ...gate, percentage: 0 }).tone).toBe("bad");
    expect(describeGate({ ...gate, enabled: false, allowed_accounts: [7] }).label).toBe("Closed but for 1 account");
  });
  it("keep what else was set when they turn, and opening always opens", () => {
    const half = { ...gate, percentage: 50, allowed_accounts: [3], note: "slowly" };
    expect(turnGate(half, false)).toEqual({ enabled: false, percentage: 50, allowed_accounts: [3], note: "slowly" });
    fc.assert(fc.property(fc.integer({ min: 0, max: 100 }), (percentage) => describeGate({ ...gate, ...turnGate({ ...gate, percentage, enabled: false }, true), allowed_accounts: [] }).tone !== "bad"));
  });
  it("take ids and shares as people type them, and nothing else", () => {
    expect(readAccounts(" 4, 7;4\n12 ")).toEqual({ ok: true, ids: [4, 7, 12] });
    expect(readAccounts("4, ada")).toEqual({ ok: false, wrong: "ada" });
    expect(readAccounts("0").ok).toBe(false);
    expect([readPercentage(" 0 "), readPercentage("100"), readPercentage("101"), readPercentage("2.5"), readPercentage("")]).toEqual([0, 100, null, null, null]);
  });
});

describe("a search of the audit", () => {
  it("reads every field", () => {
    const { filter, faults } = readAuditSearch({ actor: "cliToken:t-1", action: "user.sign", subject: "matrix:@ada:example.org", tenant: "42", since: "7d", until: "2026-11-22" }, NOW);
    expect(faults).toEqual({});
    expect(filter).toEqual({ actor_type: "cliToken", actor_id: "t-1", action: "user.sign", subject_type: "matrix", subject_id: "@ada:example.org", tenant_id: 42, since: iso(7 * 86_400), until: "2026-11-22T00:00:00.000Z" });
    expect(readAuditSearch({ actor: "42" }, NOW).filter).toEqual({ actor_id: "42" });
    expect(readAuditSearch({ tenant: " " }, NOW)).toEqual({ filter: {}, faults: {} });
  });
  it("says which field is wrong, and asks with none of it", () => {
    const { filter, faults } = readAuditSearch({ actor: "robot:1", action: "User!", subject: "gate", tenant: "ada", since: "ever", until: "5" }, NOW);
    expect(Object.keys(faults).toSorted()).toEqual(["action", "actor", "since", "subject", "tenant", "until"]);
    expect(filter).toEqual({});
    expect([readTime("90m", NOW), readTime("1w", NOW), readTime("2026-13-40", NOW)]).toEqual([iso(5_400), null, null]);
  });
  it("shows what changed", () => {
    expect(listChanges({ before: { status: "active", role: "user" }, after: { status: "deactivated", role: "user", note: null } })).toEqual([{ name: "status", before: "active", after: "deactivated" }]);
    expect(listChanges({ before: { email: "a" }, after: null })).toBeNull();
  });
});
