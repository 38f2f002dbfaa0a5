import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, expectStatus, signUpUser, uniqueName } from "../../support/client";
import { asOperator, expectOperator, operatorToken } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };
const PATH = "/api/v1/access-tokens";

interface Created {
  readonly id: string;
  readonly plainTextToken: string;
  readonly name: string;
  readonly owner: string;
  readonly expiresAt?: string;
}
type Listed = Omit<Created, "plainTextToken"> & { readonly createdAt: string; readonly lastUsedAt?: string };

const makeToken = (body: unknown = {}): Promise<Created> => expectOperator<Created>(201, "POST", PATH, { body });
const listed = async (id: string): Promise<Listed | undefined> => (await expectOperator<Listed[]>(200, "GET", PATH)).find((token) => token.id === id);
const stored = (id: string) => DB.prepare("SELECT * FROM governance_access_tokens WHERE id = ?").bind(id).first<Record<string, unknown>>();

describe("access tokens", () => {
  it("are made, used, listed and revoked, each audited without the plaintext", async () => {
    const made = await makeToken({ name: "ci", owner: "team-a" });
    expect(made).toMatchObject({ name: "ci", owner: "team-a" });
    expect(made.plainTextToken).toMatch(/^ocp_[0-9a-f]{48}$/);
    const seen = await api<Listed[]>("GET", PATH, { token: made.plainTextToken });
    expect(seen.status).toBe(200);
    expect(JSON.stringify(seen.body)).not.toContain(made.plainTextToken);
    expect(JSON.stringify(await stored(made.id))).not.toContain(made.plainTextToken.slice(4));

    await expectOperator(204, "DELETE", `${PATH}/${made.id}`);
    expect(await api("GET", PATH, { token: made.plainTextToken })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect(await asOperator("DELETE", `${PATH}/${made.id}`)).toMatchObject({ status: 404, body: { code: "TOKEN_NOT_FOUND" } });

    const { results } = await DB.prepare("SELECT action, actor_type, actor_id, detail FROM audit_log WHERE subject_id = ? ORDER BY id").bind(made.id).all<{ action: string; detail: string }>();
    expect(results).toMatchObject([
      { action: "access_token.create", actor_type: "operator", actor_id: "static" },
      { action: "access_token.delete", actor_type: "operator", actor_id: "static" },
    ]);
    for (const { detail } of results) expect(detail).not.toContain(made.plainTextToken.slice(4));
  });

  it("have a name and an owner even when nobody says", async () => {
    for (const body of [{}, { name: "  ", owner: "" }]) expect(await makeToken(body)).toMatchObject({ name: "default", owner: "unknown" });
  });

  it("end when they should, and cannot have ended before they begin", async () => {
    const made = await makeToken({ expiresAt: new Date(Date.now() + 60_000).toISOString() });
    await expectStatus(200, "GET", PATH, { token: made.plainTextToken });
    await DB.prepare("UPDATE governance_access_tokens SET expires_at = ? WHERE id = ?").bind(Date.now(), made.id).run();
    expect(await api("GET", PATH, { token: made.plainTextToken })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    for (const expiresAt of ["2020-01-01T00:00:00Z", "soon", 7]) expect(await asOperator("POST", PATH, { body: { expiresAt } })).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining("body.expiresAt") } });
  });

  it("tell when they were used last, at most once a minute", async () => {
    const { id, plainTextToken } = await makeToken();
    expect((await listed(id))?.lastUsedAt).toBeUndefined();
    await expectStatus(200, "GET", PATH, { token: plainTextToken });
    await expect.poll(async () => (await listed(id))?.lastUsedAt).toBeDefined();
    const recently = Date.now() - 30_000;
    await DB.prepare("UPDATE governance_access_tokens SET last_used_at = ? WHERE id = ?").bind(recently, id).run();
    await expectStatus(200, "GET", PATH, { token: plainTextToken });
    expect((await stored(id))?.["last_used_at"]).toBe(recently);
    await DB.prepare("UPDATE governance_access_tokens SET last_used_at = ? WHERE id = ?").bind(recently - 60_000, id).run();
    await expectStatus(200, "GET", PATH, { token: plainTextToken });
    await expect.poll(async () => Number((await stored(id))?.["last_used_at"])).toBeGreaterThan(recently);
  });

  it("are listed newest first", async () => {
    const older = await makeToken({ name: uniqueName() });
    await DB.prepare("UPDATE governance_access_tokens SET created_at = created_at - 5 WHERE id = ?").bind(older.id).run();
    const newer = await makeToken({ name: uniqueName() });
    const ids = (await expectOperator<Listed[]>(200, "GET", PATH)).map(({ id }) => id);
    expect(ids.indexOf(newer.id)).toBeLessThan(ids.indexOf(older.id));
  });
});

describe("who may ask", () => {
  it("refuses nobody with 401 and a bad credential with 403", async () => {
    expect(await api("GET", PATH)).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
    for (const token of ["x", `${operatorToken}x`, operatorToken.slice(1), `ocp_${"0".repeat(48)}`, "a.b.c"]) expect(await api("GET", PATH, { token }), token).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect(await api("GET", PATH, { headers: { authorization: "Basic eDp5" } })).toMatchObject({ status: 403 });
    expect(await api("GET", `${PATH}?token=${operatorToken}`)).toMatchObject({ status: 401 });
  });

  it("asks of a person of Sett whether they are an administrator now", async () => {
    const user = await signUpUser();
    const role = (name: string) => DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(name, user.userId).run();
    expect(await api("GET", PATH, { token: user.accessToken })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    for (const name of ["admin", "superadmin"]) {
      await role(name);
      await expectStatus(200, "GET", PATH, { token: user.accessToken });
    }
    await expectStatus(201, "POST", PATH, { token: user.accessToken, body: { name: "by a person" } });
    await role("user");
    expect(await api("GET", PATH, { token: user.accessToken })).toMatchObject({ status: 403 });
    await role("admin");
    await DB.prepare("UPDATE users SET token_epoch = token_epoch + 1 WHERE id = ?").bind(user.userId).run();
    expect(await api("GET", PATH, { token: user.accessToken })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });
});
