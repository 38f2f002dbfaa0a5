import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, signUpUser, type TestUser } from "../support/client";
import { matrix, matrixPath } from "../support/homeserver/client";
import { matrixClient } from "../support/matrix-client";

/** What needs a homeserver; the rest is in test/features/fleet. */

const { DB } = env as unknown as { DB: D1Database };
const { admin: homeserver } = matrixClient();

interface JobView {
  readonly job_id: string;
  readonly status: string;
  readonly processed: number;
  readonly total: number;
  readonly counts: Readonly<Record<string, number>>;
}

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const call = (method: string, path: string) => expectStatus<JobView>(200, method, path, { token: admin.accessToken });

describe("a refresh of Matrix accounts", () => {
  it("goes through the queue and says what the homeserver has", async () => {
    const [kept, ended, erased, missing] = [await signUpUser(), await signUpUser(), await signUpUser(), await signUpUser()];
    await homeserver.deactivate(ended.matrixId, false);
    await homeserver.deactivate(erased.matrixId, true);
    await DB.prepare("UPDATE users SET matrix_id = ? WHERE id = ?").bind(missing.matrixId.replace(":", "-gone:"), missing.userId).run();
    const started = await call("POST", "/api/v1/admin/jobs/matrix-status-refresh");
    expect(started.status).toBe("pending");
    let job = started;
    for (let tries = 0; job.status !== "completed" && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      job = await call("GET", `/api/v1/admin/jobs/${started.job_id}`);
    }
    expect(job).toMatchObject({ status: "completed", processed: started.total, counts: { deactivated: 1, erased: 1, missing: 1, failed: 0 } });
    const status = (user: TestUser) => DB.prepare("SELECT matrix_status FROM users WHERE id = ?").bind(user.userId).first("matrix_status");
    expect(await Promise.all([admin, kept, ended, erased, missing].map(status))).toEqual(["active", "active", "deactivated", "erased", "missing"]);
  });
});

describe("secret storage", () => {
  it("is looked at through the homeserver's administration, and named without what is in it", async () => {
    const person = await signUpUser();
    const login = await matrix("POST", "/_matrix/client/v3/login", { body: { type: "m.login.password", identifier: { type: "m.id.user", user: person.username }, password: person.password } });
    const put = (type: string, body: unknown) => matrix("PUT", matrixPath`/_matrix/client/v3/user/${person.matrixId}/account_data/${type}`, { token: String(login.body["access_token"]), body });
    const path = `/debug/matrix-secret-storage/${person.userId}`;
    expect(await api("GET", path, { token: admin.accessToken })).toMatchObject({ status: 200, body: { matrix_account_exists: true, has_default_key: false, complete: false } });
    expect((await put("m.secret_storage.default_key", { key: "k1" })).status).toBe(200);
    await put("m.secret_storage.key.k1", { algorithm: "m.secret_storage.v1.aes-hmac-sha2", iv: "SECRET" });
    for (const type of ["m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing", "m.megolm_backup.v1"]) await put(type, { encrypted: { k1: { ciphertext: "SECRET" } } });
    const { body } = await api("GET", path, { token: admin.accessToken });
    expect(body).toMatchObject({ has_default_key: true, default_key_described: true, key_count: 1, has_backup_key: true, complete: true });
    expect(JSON.stringify(body)).not.toContain("SECRET");
  });
});
