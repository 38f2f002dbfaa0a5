import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedFingerprintsStatement } from "../../../src/fleet/admin-user-access/user-access.store";
import { api, expectStatus, logIn, signUpUnverified, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, registerMachine } from "../../support/machines";

const { DB } = env as unknown as { DB: D1Database };

interface SecurityView {
  readonly sessions: readonly Record<string, unknown>[];
  readonly openclaw_instances: readonly Record<string, unknown>[];
  readonly flags: readonly { readonly code: string; readonly severity: string; readonly detail: string | null }[];
}

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const get = <T = Record<string, unknown>[]>(userId: number, what: string) => expectStatus<T>(200, "GET", `/api/v1/admin/users/${userId}/${what}`, { token: admin.accessToken });

describe("somebody's ways in", () => {
  it("are their sessions, revoked ones too, with the program that made them", async () => {
    const user = await signUpUser();
    const second = await logIn(user, { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0" });
    await expectStatus(200, "DELETE", `/api/v1/user/sessions/${user.sessionId}`, { token: second.accessToken });
    expect(await get(user.userId, "sessions")).toMatchObject([
      { id: second.sessionId, is_revoked: false, device_name: "Firefox on linux", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", created_at: expect.any(String) as unknown },
      { id: user.sessionId, is_revoked: true },
    ]);
    expect(JSON.stringify(await get(user.userId, "sessions"))).not.toMatch(/hash|token/);
  });

  it("are their machines, with what was last heard of them", async () => {
    const user = await signUpUser();
    const fingerprint = uniqueName("fp");
    const [silent, heard] = [await registerMachine(user), await registerMachine(user, { machine_fingerprint: fingerprint })];
    await beat(user.accessToken, heard);
    expect(await get(user.userId, "openclaw-instances")).toMatchObject([
      { instance_id: silent, label: "den", version: "1.0.0", last_seen: null, archived_at: null },
      { instance_id: heard, online: true, last_seen: expect.any(String) as unknown, machine_fingerprint: fingerprint },
    ]);
  });

  it("are flagged where something looks wrong", async () => {
    const [user, accomplice] = [await signUpUser(), await signUpUser()];
    expect((await get<SecurityView>(user.userId, "security")).flags).toEqual([]);
    const fingerprint = uniqueName("fp");
    await registerMachine(user, { machine_fingerprint: fingerprint });
    await DB.prepare("INSERT INTO fingerprint_history VALUES (?, ?, 'elsewhere', 0)").bind(fingerprint, accomplice.userId).run();
    await DB.batch(Array.from({ length: 10 }, () => DB.prepare("INSERT INTO sessions (tenant_id, refresh_hash, created_at, last_seen_at, expires_at) VALUES (?, ?, 0, 0, ?)").bind(user.userId, crypto.randomUUID(), Date.now() + 60_000)));
    await DB.prepare("UPDATE users SET matrix_account_created = 1, matrix_password_stale = 1 WHERE id = ?").bind(user.userId).run();
    const view = await get<SecurityView & { matrix_devices_error: string }>(user.userId, "security");
    expect(view).toMatchObject({ user_id: user.userId, matrix_id: user.matrixId, matrix_devices: [], matrix_devices_error: "matrix_not_configured" });
    expect(view.flags.map(({ code, severity }) => [code, severity])).toEqual([
      ["shared_fingerprint", "critical"],
      ["many_sessions", "warning"],
      ["stale_matrix_password", "info"],
    ]);
    expect(view.flags[0]?.detail).toContain(fingerprint);
    expect([view.sessions.length, view.openclaw_instances.length]).toEqual([11, 1]);

    const unverified = await signUpUnverified();
    const id = await DB.prepare("SELECT id FROM users WHERE email = ?").bind(unverified.email).first<number>("id");
    expect((await get<SecurityView>(id ?? 0, "security")).flags).toMatchObject([{ code: "unverified_email" }]);
  });

  it("of nobody are 404", async () => {
    for (const what of ["sessions", "openclaw-instances", "security"]) expect(await api("GET", `/api/v1/admin/users/999999999/${what}`, { token: admin.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("reads shared fingerprints by index", async () => {
    const query = drizzle(DB).get(sharedFingerprintsStatement(1)).getQuery();
    const plan = (await DB.prepare(`EXPLAIN QUERY PLAN ${query.sql}`).bind(...query.params).all<{ detail: string }>()).results.map(({ detail }) => detail);
    expect(plan.filter((detail) => detail.includes("fingerprint_history")).every((detail) => detail.startsWith("SEARCH")), plan.join("; ")).toBe(true);
    expect(plan.join("; ")).not.toMatch(/SCAN (fingerprint_history|theirs)/);
  });
});
