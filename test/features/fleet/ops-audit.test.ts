import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { readActionPrefix } from "../../../src/fleet/ops-audit/audit.core";
import { searchAudit } from "../../../src/fleet/ops-audit/audit.queries";
import { SearchAuditQuery } from "../../../src/fleet/ops-audit/audit.schemas";
import { selectAudit, type AuditFilter } from "../../../src/fleet/ops-audit/audit.store";
import { api, expectStatus, uniqueName } from "../../support/client";
import { allPages, expectGuarded, expectIndexed, hireStaff, OPS, type Staff } from "../../support/ops";
import { costOf, fill } from "../../support/query-plans";

const bindings = env as unknown as Env;
const { DB } = bindings;
const PATH = `${OPS}/audit`;

let staff: Staff;
beforeAll(async () => {
  staff = await hireStaff();
});

interface Row {
  readonly tenant?: number;
  readonly action?: string;
  readonly actorType?: string;
  readonly actorId?: string;
  readonly subject?: readonly [string, string];
  readonly at: number;
  readonly detail?: unknown;
}

const insert = (rows: readonly Row[]) =>
  DB.batch(
    rows.map(({ tenant = null, action = "test.act", actorType = "system", actorId = "test", subject = null, at, detail = {} }) =>
      DB.prepare("INSERT INTO audit_log (tenant_id, action, actor_type, actor_id, subject_type, subject_id, detail, request_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'req_1', ?)").bind(tenant, action, actorType, actorId, subject?.[0] ?? null, subject?.[1] ?? null, JSON.stringify(detail), at),
    ),
  );

interface Entry {
  readonly id: number;
  readonly action: string;
  readonly created_at: string;
  readonly detail: unknown;
}
const search = async (query: string) => (await expectStatus<{ entries: Entry[] }>(200, "GET", `${PATH}?${query}`, { token: staff.admin.accessToken })).entries;
const actions = async (query: string) => (await search(query)).map((one) => one.action);

describe("a search of the audit", () => {
  it("skips nothing and repeats nothing, though many rows share a moment, lie out of order, and come meanwhile", async () => {
    const tenant = 880_000_001;
    const start = 1_700_000_000_000;
    // Rows whose ids and times disagree, as of two isolates whose clocks do.
    const times = Array.from({ length: 60 }, (_, n) => start + ((n * 7) % 10));
    await insert(times.map((at) => ({ tenant, at })));
    const expected = await DB.prepare("SELECT id FROM audit_log WHERE tenant_id = ? ORDER BY created_at DESC, id DESC").bind(tenant).all<{ id: number }>();
    for (const limit of [1, 7, 20, 59, 60, 200]) {
      let added = 0;
      const entries = await allPages<Entry>(staff.admin, `${PATH}?tenant_id=${tenant}&until=${new Date(start + 100).toISOString()}&limit=${limit}`, "entries", async () => {
        // Newer than everything: behind no cursor.
        if (limit > 1 && added++ < 2) await insert([{ tenant, at: start + 500 }]);
      });
      expect(entries.map((one) => one.id), `limit ${limit}`).toEqual(expected.results.map((row) => row.id));
    }
  });

  it("goes by actor, action, subject, owner and time, and by several of them", async () => {
    const tag = uniqueName("subject");
    const tenant = 880_000_002;
    await insert([
      { tenant, at: 1_000, action: "account.create", actorType: "user", actorId: `u-${tag}`, subject: ["account", tag] },
      { tenant, at: 2_000, action: "account.change_password", actorType: "user", actorId: `u-${tag}`, subject: ["account", tag] },
      { tenant, at: 3_000, action: "account_note.create", actorType: "cliToken", actorId: `t-${tag}`, subject: ["note", tag] },
      { tenant: 880_000_003, at: 4_000, action: "account.create", actorType: "system", actorId: `u-${tag}`, subject: ["account", tag] },
    ]);
    expect(await actions(`tenant_id=${tenant}`)).toEqual(["account_note.create", "account.change_password", "account.create"]);
    expect(await actions(`actor_id=u-${tag}`)).toEqual(["account.create", "account.change_password", "account.create"]);
    expect(await actions(`actor_type=user&actor_id=u-${tag}`)).toEqual(["account.change_password", "account.create"]);
    expect(await actions(`subject_type=account&subject_id=${tag}&tenant_id=${tenant}`)).toEqual(["account.change_password", "account.create"]);
    // A noun is a whole word.
    expect(await actions(`tenant_id=${tenant}&action=account`)).toEqual(["account.change_password", "account.create"]);
    expect(await actions(`tenant_id=${tenant}&action=account.`)).toEqual(["account.change_password", "account.create"]);
    expect(await actions(`tenant_id=${tenant}&action=account.ch`)).toEqual(["account.change_password"]);
    expect(await actions(`tenant_id=${tenant}&action=account.z`)).toEqual([]);
    const span = `since=${new Date(2_000).toISOString()}&until=${new Date(3_000).toISOString()}`;
    expect(await actions(`tenant_id=${tenant}&${span}`)).toEqual(["account.change_password"]);
    expect(await actions(`tenant_id=${tenant}&since=1970-01-01T02:00:02%2B02:00&until=${new Date(3_000).toISOString()}`)).toEqual(["account.change_password"]);
  });

  it("by a verb reads that verb's entries, not all of its noun's", async () => {
    const noun = "costly_noun";
    await fill(2_000, (numbers) => `INSERT INTO audit_log (action, actor_type, detail, request_id, created_at) SELECT '${noun}.create', 'system', '{}', 'r', 1000 + n FROM ${numbers}`);
    await insert([{ action: `${noun}.revoke`, at: 1 }, { action: `${noun}.revoke_all`, at: 2 }, { action: `${noun}.revoke`, at: 3 }]);
    const find = (query: Record<string, string>) => costOf((ctx) => searchAudit(ctx, SearchAuditQuery.parse(query)));
    for (const [action, found] of [["revoke_", ["revoke_all"]], ["revoke", ["revoke", "revoke_all", "revoke"]], ["nothing", []]] as const) {
      const { result, cost } = await find({ action: `${noun}.${action}` });
      expect(result.entries.map((one) => one.action)).toEqual(found.map((verb) => `${noun}.${verb}`));
      expect(cost.rowsRead, JSON.stringify(cost)).toBeLessThan(50);
    }
    const first = await find({ action: `${noun}.revoke`, limit: "2" });
    const second = await find({ action: `${noun}.revoke`, limit: "2", cursor: first.result.next_cursor ?? "" });
    expect([...first.result.entries, ...second.result.entries].map((one) => one.created_at)).toEqual([3, 2, 1].map((at) => new Date(at).toISOString()));
    expect(second.result.next_cursor).toBeNull();
    // Of more verbs than are looked up one by one, the noun's entries.
    await insert(Array.from({ length: 10 }, (_, n) => ({ action: `${noun}.many_${"abcdefghij".charAt(n)}`, at: 10 + n })));
    expect((await actions(`action=${noun}.many`)).length).toBe(10);
  });

  it("shows an entry in full, without what looks like a secret", async () => {
    const tenant = 880_000_004;
    await insert([{ tenant, at: 5_000, detail: { before: { name: "a" }, after: { name: "b", token: "sesame" } } }]);
    expect(await search(`tenant_id=${tenant}`)).toMatchObject([
      { created_at: "1970-01-01T00:00:05.000Z", action: "test.act", actor_type: "system", actor_id: "test", tenant_id: tenant, detail: { before: { name: "a" }, after: { name: "b", token: "[redacted]" } }, request_id: "req_1" },
    ]);
  });

  it("refuses halves of a filter, and who may not", async () => {
    for (const query of ["subject_type=account", "subject_id=1", "actor_type=user", "action=Account", "action=a.b.c", "action=a%25", "limit=0", "limit=201", "since=now", "cursor=zzz", "tenant_id=x"]) {
      expect(await api("GET", `${PATH}?${query}`, { token: staff.admin.accessToken }), query).toMatchObject({ status: 422, body: { code: "validation_error" } });
    }
    await expectGuarded(staff, [PATH], []);
  });

  it("is answered from an index whatever is asked", async () => {
    const ctx = createSystemContext(bindings, { waitUntil: () => undefined }, "test", "req");
    const cases: readonly (readonly [AuditFilter, string])[] = [
      [{}, "audit_log_time"],
      [{ since: 1, until: 9 }, "audit_log_time"],
      [{ tenantId: 1 }, "audit_log_tenant"],
      [{ tenantId: 1, since: 1 }, "audit_log_tenant"],
      [{ actorId: "1" }, "audit_log_actor"],
      [{ actorType: "user", actorId: "1", until: 9 }, "audit_log_actor"],
      [{ subjectType: "account", subjectId: "1" }, "audit_log_subject"],
      [{ action: readActionPrefix("account") }, "audit_log_noun"],
      [{ action: readActionPrefix("account.cr"), since: 1 }, "audit_log_noun"],
      [{ exactAction: "account.create" }, "audit_log_action"],
      [{ exactAction: "account.create", since: 1, until: 9 }, "audit_log_action"],
    ];
    for (const [filter, index] of cases) for (const after of [null, { at: 5, id: "5" }]) await expectIndexed(selectAudit(ctx, filter, after, 50), index);
  });
});
