import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, signUpUser, type TestUser } from "../../support/client";
import { setPlan } from "../../support/plans";

const { DB } = env as unknown as { DB: D1Database };
const REPORTS = "/api/v1/admin/support/reports";

interface Report {
  readonly id: number;
  readonly status: string;
  readonly priority_support: boolean;
  readonly resolved_at: string | null;
}

let admin: TestUser;
let user: TestUser;
beforeAll(async () => {
  [admin, user] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(admin.userId).run();
});

const report = (body: Record<string, unknown>, who = user, headers?: Record<string, string>) => expectStatus<Report>(201, "POST", "/api/v1/support/report", { token: who.accessToken, body, headers });
const asAdmin = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: admin.accessToken, body });
const list = async (query: string) => (await expectStatus<{ reports: Report[]; total: number }>(200, "GET", `${REPORTS}?${query}`, { token: admin.accessToken }));

async function auditOf(id: number): Promise<string[]> {
  const { results } = await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'support_report' AND subject_id = ? ORDER BY id").bind(String(id)).all<{ action: string }>();
  return results.map((row) => row.action);
}

describe("reports", () => {
  it("go from a person to an administrator and to their end", async () => {
    const sent = { text: "  It <b>broke</b>  ", can_contact: true, contact_email: "ada@example.org", app_version: "1.2", os: "iOS 19", device_id: "D-1" };
    const created = await report(sent);
    expect(created).toMatchObject({ status: "open", priority_support: false });
    expect(await asAdmin("GET", `${REPORTS}/${created.id}`)).toMatchObject({
      status: 200,
      body: { id: created.id, user_id: user.userId, username: user.username, user_email: user.email, ...sent, text: "It <b>broke</b>", status: "open", admin_notes: null, resolved_at: null },
    });

    const nameless = await signUpUser();
    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id = ?").bind(nameless.userId).run();
    const theirs = await report(sent, nameless);
    expect((await asAdmin("GET", `${REPORTS}/${theirs.id}`)).body).toMatchObject({ user_id: nameless.userId, username: null, user_email: nameless.email });

    const path = `${REPORTS}/${created.id}`;
    expect((await asAdmin("PATCH", path, { status: "in_progress", admin_notes: "looking" })).body).toMatchObject({ status: "in_progress", admin_notes: "looking", resolved_at: null });
    const resolved = await asAdmin<Report>("POST", `${path}/resolve`);
    expect(resolved.body).toMatchObject({ status: "resolved", admin_notes: "looking" });
    expect(resolved.body.resolved_at).not.toBeNull();
    expect((await asAdmin("POST", `${path}/resolve`)).body).toEqual(resolved.body);
    expect((await asAdmin("PATCH", path, {})).body).toEqual(resolved.body);
    expect((await asAdmin("PATCH", path, { status: "closed", admin_notes: "" })).body).toMatchObject({ status: "closed", admin_notes: null, resolved_at: resolved.body.resolved_at });
    expect((await asAdmin("PATCH", path, { status: "open" })).body).toMatchObject({ status: "open", resolved_at: null });

    expect(await asAdmin("DELETE", path)).toMatchObject({ status: 200, body: { success: true } });
    for (const [method, at] of [["GET", path], ["DELETE", path], ["PATCH", path], ["POST", `${path}/resolve`]] as const) {
      expect(await asAdmin(method, at, method === "PATCH" ? {} : undefined)).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    expect(await auditOf(created.id)).toEqual(["support_report.update", "support_report.resolve", "support_report.update", "support_report.update", "support_report.delete"]);
    const { results } = await DB.prepare("SELECT detail FROM audit_log WHERE action LIKE 'support_report.%'").all<{ detail: string }>();
    expect(JSON.stringify(results)).not.toContain("broke");
  });

  it("are listed with priority first, then newest, by state and person, page by page", async () => {
    const sender = await signUpUser();
    const old = await report({ text: "one" }, sender);
    await setPlan(sender, "pro");
    const urgent = await report({ text: "two" }, sender);
    expect(urgent.priority_support).toBe(true);
    await setPlan(sender, null);
    const newest = await report({ text: "three" }, sender);

    const mine = `user_id=${sender.userId}`;
    const all = await list(mine);
    expect(all.reports.map((one) => one.id)).toEqual([urgent.id, newest.id, old.id]);
    expect(all.total).toBe(3);
    const second = await list(`${mine}&limit=1&offset=1`);
    expect(second.reports.map((one) => one.id)).toEqual([newest.id]);
    expect(second).toMatchObject({ total: 3, limit: 1, offset: 1 });
    await asAdmin("POST", `${REPORTS}/${old.id}/resolve`);
    expect((await list(`${mine}&status=resolved`)).reports.map((one) => one.id)).toEqual([old.id]);
    expect((await list(`${mine}&status=open`)).total).toBe(2);
  });

  it("lose no change when two administrators write at once", async () => {
    const { id } = await report({ text: "race" });
    const answers = await Promise.all([asAdmin("PATCH", `${REPORTS}/${id}`, { admin_notes: "noted" }), asAdmin("POST", `${REPORTS}/${id}/resolve`)]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect((await asAdmin("GET", `${REPORTS}/${id}`)).body).toMatchObject({ status: "resolved", admin_notes: "noted" });
  });

  it("arrive once, however often they are sent with one key", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const [first, again] = [await report({ text: "twice" }, user, headers), await report({ text: "twice" }, user, headers)];
    expect(again).toEqual(first);
  });

  it("refuse malformed input and who may not", async () => {
    const post = (body: unknown, token: string | undefined = user.accessToken) => api("POST", "/api/v1/support/report", { token, body });
    for (const body of [{}, { text: " " }, { text: "x".repeat(10_001) }, { text: "x", contact_email: "nobody" }]) expect((await post(body)).status).toBe(422);
    expect((await api("POST", "/api/v1/support/report", { body: { text: "x" } })).status).toBe(401);
    for (const query of ["limit=0", "limit=201", "offset=-1", "status=lost", "user_id=x"]) expect((await asAdmin("GET", `${REPORTS}?${query}`)).status).toBe(422);
    const { id } = await report({ text: "mine" });
    expect((await asAdmin("PATCH", `${REPORTS}/${id}`, { status: "lost" })).status).toBe(422);
    // People do not even see their own reports here.
    for (const [method, path] of [["GET", REPORTS], ["GET", `${REPORTS}/${id}`], ["PATCH", `${REPORTS}/${id}`], ["DELETE", `${REPORTS}/${id}`], ["POST", `${REPORTS}/${id}/resolve`]] as const) {
      expect(await api(method, path, { token: user.accessToken, body: method === "GET" ? undefined : {} })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
  });
});
