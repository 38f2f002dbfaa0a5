import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };

interface ScopeSeen {
  readonly createdAt: string;
  readonly updatedAt: string;
}

const principal = uniqueName("tenant");
let group: string;
const grants = [
  { scope: "project", subjectType: "tenant", subjectId: principal, access: "allow", payloadId: "a" },
  { scope: "org", access: "allow", payloadId: "b" },
  { scope: "org", access: "allow", payloadId: "c" },
  { scope: "org", subjectType: "user", subjectId: principal, access: "deny", payloadId: "c" },
];
beforeAll(async () => {
  group = (await expectOperator<{ id: string }>(201, "POST", "/api/v1/groups", { body: { name: uniqueName("group"), members: [principal], grants } })).id;
});

const at = (key: string) => `/api/v1/sessions/${encodeURIComponent(key)}/scope`;
const org = (...payloads: string[]) => payloads.map((payloadId) => ({ scope: "org", payloadId }));
const put = (key: string, scopes: unknown, who: unknown = principal) => asOperator("PUT", at(key), { body: { principal: who, scopes } });

describe("scopes of sessions", () => {
  it("are bound to what is granted, read, bound anew and cleared", async () => {
    const key = `agent:main/${uniqueName("session")}`;
    expect(await asOperator("GET", at(key))).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });

    const bound = await put(key, [...org("b", "c", "unknown", "a"), { scope: "personal", payloadId: "b" }, { payloadId: "d" }, 7]);
    expect(bound).toMatchObject({
      status: 200,
      body: { sessionKey: key, principal, scopes: [{ scope: "org", payloadId: "b" }, { scope: "project", payloadId: "a" }], rejected: org("c", "unknown") },
    });
    const { rejected: _rejected, ...view } = bound.body;
    expect((await asOperator("GET", at(key))).body).toEqual({ ...view, effectiveScopes: view["scopes"] });

    // Nothing granted: what was bound stays.
    expect(await put(key, org("c"))).toMatchObject({ status: 403, body: { code: "OVER_SCOPE", rejected: org("c") } });
    expect(await put(key, [{ payloadId: "a" }])).toMatchObject({ status: 403, body: { code: "OVER_SCOPE", rejected: [] } });
    expect((await asOperator("GET", at(key))).body).toMatchObject({ scopes: view["scopes"] });

    const again = await put(key, org("a"));
    expect(again.body).toMatchObject({ scopes: [{ scope: "project", payloadId: "a" }], rejected: [], createdAt: view["createdAt"] });

    expect(await asOperator("DELETE", at(key))).toMatchObject({ status: 200, body: { sessionKey: key, cleared: true } });
    expect(await asOperator("DELETE", at(key))).toMatchObject({ status: 404, body: { sessionKey: key, cleared: false, code: "NOT_FOUND", error: expect.any(String) as unknown } });
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'SessionScope' AND subject_id = ? ORDER BY id").bind(key).all<{ action: string }>();
    expect(results.map(({ action }) => action)).toEqual(["session_scope.bind", "session_scope.bind", "session_scope.clear"]);
  });

  it("shrink in use when a grant goes, and keep what was bound", async () => {
    const key = uniqueName("session");
    const { body } = await put(key, org("a", "b"));
    await expectOperator(200, "PUT", `/api/v1/groups/${group}`, { body: { grants: grants.slice(0, 1) } });
    expect((await asOperator("GET", at(key))).body).toMatchObject({ scopes: body["scopes"], effectiveScopes: [{ scope: "project", payloadId: "a" }] });
    await expectOperator(200, "PUT", `/api/v1/groups/${group}`, { body: { grants } });
    expect((await asOperator("GET", at(key))).body).toMatchObject({ effectiveScopes: body["scopes"] });
  });

  it("are bound once when two bind at the same time", async () => {
    const key = uniqueName("session");
    const answers = await Promise.all([put(key, org("a")), put(key, org("b")), put(key, org("a", "b"))]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { scopes } = await expectOperator<ScopeSeen & { scopes: unknown }>(200, "GET", at(key));
    expect(answers.map(({ body }) => body["scopes"])).toContainEqual(scopes);
  });

  it("refuse what says nothing", async () => {
    const key = uniqueName("session");
    for (const scopes of [undefined, null, [], "a", {}, Array.from({ length: 501 }, () => org("a")[0])]) expect(await put(key, scopes), JSON.stringify(scopes)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    for (const who of [undefined, null, "", "  ", 7]) {
      expect(await asOperator("PUT", at(key), { body: { principal: who, scopes: org("a") } }), JSON.stringify(who)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    expect((await put(key, org("a"), uniqueName("nobody"))).status).toBe(403);
  });
});
