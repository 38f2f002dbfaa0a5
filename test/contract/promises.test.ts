import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, BASE_URL, expectStatus, signUpUser, uniqueName } from "../support/client";
import { expectPromised } from "../support/promises";

/** The watch over answers, which all tests go through, sees what it should. */

const { DB } = env as unknown as { DB: D1Database };
const asked = (method: string, path: string) => new Request(`${BASE_URL}${path}`, { method });
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

describe("an answer", () => {
  it("is what its schema says: nothing more, nothing less, under its status and type", async () => {
    const { body } = await api("GET", "/health");
    const health = asked("GET", "/health");
    await expectPromised(health, json(body));
    await expect(expectPromised(health, json({ ...body, extra: 1 }))).rejects.toThrow("extra is unknown");
    for (const key of Object.keys(body)) await expect(expectPromised(health, json({ ...body, [key]: undefined })), key).rejects.toThrow(key);
    await expect(expectPromised(health, json(body, 201))).rejects.toThrow("not 200");
    await expect(expectPromised(health, new Response("well", { headers: { "content-type": "text/plain" } }))).rejects.toThrow("not JSON");
  });

  it("is looked through to its leaves, and by the record with fewest parameters", async () => {
    const user = await signUpUser();
    const sessions = await expectStatus<{ sessions: Record<string, unknown>[] }>(200, "GET", "/api/v1/user/sessions", { token: user.accessToken });
    const more = { ...sessions, sessions: sessions.sessions.map((one) => ({ ...one, password_hash: "x" })) };
    await expect(expectPromised(asked("GET", "/api/v1/user/sessions"), json(more))).rejects.toThrow("sessions.0.password_hash is unknown");
  });

  it("of a change comes with its audit row, under the request's id", async () => {
    const requestId = uniqueName("req");
    const logout = asked("POST", "/api/v1/user/logout");
    const user = await signUpUser();
    const { body } = await api("POST", "/api/v1/user/logout", { token: user.accessToken, body: {} });
    await expect(expectPromised(logout, json(body, 200, { "x-request-id": requestId }))).rejects.toThrow("no audit row session.");
    await DB.prepare("INSERT INTO audit_log (action, actor_type, detail, request_id, created_at) VALUES ('other.act', 'user', '{}', ?, 0)").bind(requestId).run();
    await expect(expectPromised(logout, json(body, 200, { "x-request-id": requestId }))).rejects.toThrow("its audit rows are other.act");
  });
});
