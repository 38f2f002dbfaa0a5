import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";

const { DB } = env as unknown as { DB: D1Database };
const LATEST = "/api/v1/dashboard/versions/latest";
const SUPPORTED = "/api/v1/admin/supported-versions";

let admin: TestUser;
let user: TestUser;
beforeAll(async () => {
  [admin, user] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

const audited = async (action: string, subject: string) =>
  (await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = ? AND subject_id = ? AND actor_id = ?").bind(action, subject, String(admin.userId)).first<{ n: number }>())?.n;

/** What the audit keeps, oldest first. */
const details = async (action: string, subject: string) =>
  (await DB.prepare("SELECT tenant_id, detail FROM audit_log WHERE action = ? AND subject_id = ? AND actor_id = ? ORDER BY id").bind(action, subject, String(admin.userId)).all<{ tenant_id: number | null; detail: string }>()).results.map((row) => ({ tenant: row.tenant_id, ...(JSON.parse(row.detail) as object) }));

interface Version {
  readonly id: number;
  readonly version: string;
  readonly min_version: string;
  readonly release_notes: string | null;
}

describe("releases of an app", () => {
  const create = (body: Record<string, unknown>, token = admin.accessToken) => api<Version & { code: string }>("POST", "/api/v1/version/create", { token, body });
  const check = (platform: string, version: string, build?: number) => expectStatus(200, "POST", "/api/v1/version/check", { body: { platform, version, build_number: build } });
  const put = (id: number, body: Record<string, unknown>) => api("PUT", `/api/v1/version/${id}`, { token: admin.accessToken, body });

  it("go from announcement to withdrawal", async () => {
    const platform = uniqueName("ios");
    expect(await check(platform, "9.9")).toEqual({ current_version: "9.9", min_version: "9.9", latest_version: "9.9", is_update_required: false, is_force_update: false, is_maintenance_mode: false, release_notes: null, download_url: null, message: null });
    expect(await api("GET", `/api/v1/version/latest/${platform}`)).toMatchObject({ status: 404, body: { code: "not_found" } });

    const first = await create({ platform: platform.toUpperCase(), version: "1.9.0", min_version: "1.0" });
    expect(first).toMatchObject({ status: 200, body: { platform, version: "1.9.0", build_number: null, is_force_update: false, release_notes: null } });
    const second = await create({ platform, version: "1.10.0", build_number: 7, min_version: "1.5", release_notes: "Faster", download_url: "https://example.org/app" });
    expect(second.status).toBe(200);
    expect(await audited("app_version.create", `${platform}@1.10.0`)).toBe(1);

    expect(await check(platform, "1.4.9")).toMatchObject({ is_update_required: true, is_force_update: true, min_version: "1.5", latest_version: "1.10.0", release_notes: "Faster", download_url: "https://example.org/app" });
    const behind = await check(platform, "1.9.5");
    expect(behind).toMatchObject({ is_update_required: false, is_force_update: false });
    expect(behind["message"]).toContain("1.10.0");
    expect((await check(platform, "1.10.0", 6))["message"]).not.toBeNull();
    expect((await check(platform, "1.10.0", 7))["message"]).toBeNull();

    expect(await expectStatus(200, "GET", `/api/v1/version/latest/${platform.toUpperCase()}`)).toMatchObject({ version: "1.10.0" });
    const list = await expectStatus<Version[]>(200, "GET", `/api/v1/version/all?platform=${platform}`);
    expect(list.map((one) => one.version)).toEqual(["1.10.0", "1.9.0"]);
    expect((await expectStatus<Version[]>(200, "GET", "/api/v1/version/all")).length).toBeGreaterThanOrEqual(2);

    const changed = await put(second.body.id, { is_maintenance_mode: true, release_notes: "", download_url: null });
    expect(changed).toMatchObject({ status: 200, body: { version: "1.10.0", is_maintenance_mode: true, release_notes: null, download_url: "https://example.org/app" } });
    expect(await check(platform, "1.10.0", 7)).toMatchObject({ is_maintenance_mode: true, is_update_required: false });
    expect(await put(second.body.id, { is_maintenance_mode: false, is_force_update: true })).toMatchObject({ status: 200 });
    expect(await check(platform, "1.9.5")).toMatchObject({ is_update_required: true, is_force_update: true, is_maintenance_mode: false });
    expect(await audited("app_version.update", String(second.body.id))).toBe(2);

    expect(await details("app_version.create", `${platform}@1.10.0`)).toMatchObject([{ tenant: null, before: null, after: { platform, version: "1.10.0", build_number: 7, release_notes: "Faster" } }]);
    expect((await details("app_version.update", String(second.body.id)))[0]).toMatchObject({ tenant: null, before: { is_maintenance_mode: false, release_notes: "Faster" }, after: { version: "1.10.0", is_maintenance_mode: true, release_notes: null } });

    const path = `/api/v1/version/${second.body.id}`;
    expect(await expectStatus(200, "DELETE", path, { token: admin.accessToken })).toHaveProperty("message");
    expect(await details("app_version.delete", String(second.body.id))).toMatchObject([{ tenant: null, before: { platform, version: "1.10.0", is_force_update: true }, after: null }]);
    expect(await expectStatus(200, "GET", `/api/v1/version/latest/${platform}`)).toMatchObject({ version: "1.9.0" });
    for (const method of ["DELETE", "PUT"]) expect(await api(method, path, { token: admin.accessToken, body: {} })).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("are announced once, also by two administrators at once", async () => {
    const platform = uniqueName("android");
    const body = { platform, version: "2.0", min_version: "2.0" };
    const answers = await Promise.all([create(body), create(body)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
    const next = await create({ ...body, version: "2.1" });
    expect(await put(next.body.id, { version: "2.0" })).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect((await create({ ...body, build_number: 1 })).status).toBe(200);
  });

  it("must make sense", async () => {
    const platform = uniqueName("web");
    const good = { platform, version: "2.0", min_version: "1.0" };
    const locOf = async (change: Record<string, unknown>) => {
      const answer = await api<{ detail: { loc: unknown[] }[] }>("POST", "/api/v1/version/create", { token: admin.accessToken, body: { ...good, ...change } });
      expect(answer.status).toBe(422);
      return answer.body.detail[0]?.loc;
    };
    expect(await locOf({ version: "two" })).toEqual(["body", "version"]);
    expect(await locOf({ min_version: "2.0.1" })).toEqual(["body", "min_version"]);
    expect(await locOf({ platform: " " })).toEqual(["body", "platform"]);
    expect(await locOf({ build_number: -1 })).toEqual(["body", "build_number"]);
    expect(await locOf({ download_url: "javascript:alert(1)" })).toEqual(["body", "download_url"]);
    const { body } = await create(good);
    expect(await put(body.id, { min_version: "2.1" })).toMatchObject({ status: 422 });
    expect(await api("POST", "/api/v1/version/check", { body: { platform, version: "?" } })).toMatchObject({ status: 422 });
    expect((await api("PUT", "/api/v1/version/abc", { token: admin.accessToken, body: {} })).status).toBe(422);
  });

  it("are for administrators to write", async () => {
    const platform = uniqueName("mac");
    expect(await create({ platform, version: "1.0", min_version: "1.0" }, user.accessToken)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await api("PUT", "/api/v1/version/1", { token: user.accessToken, body: {} })).status).toBe(403);
    expect((await api("DELETE", "/api/v1/version/1", { token: user.accessToken })).status).toBe(403);
    expect((await api("DELETE", "/api/v1/version/1")).status).toBe(401);
  });
});

describe("supported versions", () => {
  const set = (body: Record<string, unknown>, token = admin.accessToken) => api("PUT", SUPPORTED, { token, body });

  it("are what machines hear", async () => {
    await DB.prepare("DELETE FROM supported_versions WHERE component IN ('plugin', 'openclaw')").run();
    const first = await set({ component: "plugin", version: "0.4.0" });
    expect(first).toMatchObject({ status: 200, body: { component: "plugin", version: "0.4.0", previous_version: null, min_version: null, notes: null, updated_by: admin.username } });
    const second = await set({ component: "plugin", version: "0.5.0", min_version: "0.4", notes: "needs 0.4" });
    expect(second.body).toMatchObject({ previous_version: "0.4.0", min_version: "0.4", notes: "needs 0.4" });
    expect(await expectStatus(200, "GET", LATEST)).toMatchObject({ plugin: "0.5.0", supported_openclaw: "unknown" });
    expect((await set({ component: "openclaw", version: "2026.3.13-1", min_version: "2026.3.13" })).status).toBe(200);
    expect(await expectStatus(200, "GET", LATEST)).toMatchObject({ supported_openclaw: "2026.3.13-1" });

    const list = await expectStatus<Record<string, unknown>[]>(200, "GET", SUPPORTED, { token: admin.accessToken });
    expect(list.find((one) => one["component"] === "plugin")).toMatchObject({ version: "0.5.0", min_version: "0.4", notes: "needs 0.4", updated_by: admin.username, latest_npm_version: null, latest_checked_at: null });
    // What a later setting does not say is gone.
    expect((await set({ component: "plugin", version: "0.5.1" })).body).toMatchObject({ min_version: null, notes: null, previous_version: "0.5.0" });
    expect(await details("supported_version.set", "plugin")).toEqual([
      { tenant: null, before: null, after: { version: "0.4.0", min_version: null, notes: null } },
      { tenant: null, before: { version: "0.4.0", min_version: null, notes: null }, after: { version: "0.5.0", min_version: "0.4", notes: "needs 0.4" } },
      { tenant: null, before: { version: "0.5.0", min_version: "0.4", notes: "needs 0.4" }, after: { version: "0.5.1", min_version: null, notes: null } },
    ]);
  });

  it("each have the one before, when several are set at once", async () => {
    const versions = ["1.0.1", "1.0.2", "1.0.3", "1.0.4"];
    await set({ component: "hermes", version: "1.0.0" });
    const answers = await Promise.all(versions.map((version) => set({ component: "hermes", version })));
    const previous = answers.map((answer) => answer.body["previous_version"]);
    expect(new Set(previous).size).toBe(4);
    expect(previous).toContain("1.0.0");
  });

  it("refuse what makes no sense and who may not", async () => {
    expect(await set({ component: "plugin", version: "1.0", min_version: "1.0.1" })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "min_version"] }] } });
    expect((await set({ component: "kernel", version: "1.0" })).status).toBe(422);
    expect((await set({ component: "plugin", version: "latest" })).status).toBe(422);
    expect((await set({ component: "plugin", version: "1.0" }, user.accessToken)).status).toBe(403);
    expect((await api("GET", SUPPORTED, { token: user.accessToken })).status).toBe(403);
  });
});
