import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };
const GROUPS = "/api/v1/groups";

interface GrantSeen {
  readonly id: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly subjectName: string;
  readonly payloadId: string;
  readonly createdAt: string;
}
interface GroupSeen {
  readonly id: string;
  readonly name: string;
  readonly members: string[];
  readonly memberCount: number;
  readonly awarenessGrants: GrantSeen[];
  readonly grants: GrantSeen[];
  readonly status?: string;
}

const create = (body: Record<string, unknown>) => expectOperator<GroupSeen>(201, "POST", GROUPS, { body: { name: uniqueName("group"), ...body } });
const get = (id: string) => expectOperator<GroupSeen>(200, "GET", `${GROUPS}/${id}`);
const put = (id: string, body: Record<string, unknown>) => expectOperator<GroupSeen>(200, "PUT", `${GROUPS}/${id}`, { body });
const ALLOW = { scope: "project", subjectType: "tenant", subjectId: "acme", access: "allow" };

describe("groups", () => {
  it("go from their making to their end", async () => {
    const name = uniqueName("group");
    const made = await create({ name, description: " who builds ", scope: "team", members: [" zeta ", { tenant: "acme", name: "Acme" }, "acme", "alpha"], grants: [{ ...ALLOW, note: "for now", priority: 3 }, { scope: "org", access: "deny" }] });
    expect(made).toMatchObject({ name, description: "who builds", scope: "department", members: ["acme", "alpha", "zeta"], memberCount: 3, status: "created" });
    expect(made.awarenessGrants).toEqual(made.grants);
    // Without a subject a grant is to the group; without a payload about the default awareness.
    expect(made.grants).toMatchObject([
      { ...ALLOW, subjectName: "acme", payloadId: "awareness/default", note: "for now", priority: 3 },
      { scope: "org", subjectType: "group", subjectId: made.id, access: "deny", priority: 0 },
    ]);

    const { status: _created, ...seen } = made;
    expect(await get(made.id)).toEqual(seen);
    const other = await create({});
    expect(other).toMatchObject({ scope: "org", members: [], grants: [] });
    const listed = await expectOperator<GroupSeen[]>(200, "GET", GROUPS);
    expect(listed.map(({ id }) => id).filter((id) => id === made.id || id === other.id)).toEqual([other.id, made.id]);
    expect(listed.find(({ id }) => id === made.id)).toEqual(seen);

    // Absent members stay, absent grants go.
    const changed = await put(made.id, { description: "" });
    expect(changed).toMatchObject({ id: made.id, name, members: ["acme", "alpha", "zeta"], grants: [], awarenessGrants: [], status: "updated" });
    expect(changed).not.toHaveProperty("description");
    expect(await put(made.id, { members: [], awarenessGrants: [ALLOW] })).toMatchObject({ members: [], memberCount: 0, grants: [ALLOW] });

    expect(await expectOperator(200, "DELETE", `${GROUPS}/${made.id}`)).toEqual({ id: made.id, status: "deleted" });
    for (const method of ["GET", "PUT", "DELETE"]) expect(await asOperator(method, `${GROUPS}/${made.id}`, method === "PUT" ? { body: {} } : {})).toMatchObject({ status: 404, body: { code: "GROUP_NOT_FOUND" } });
    const rows = await DB.prepare("SELECT (SELECT count(*) FROM governance_grants WHERE via_group_id = ?1) + (SELECT count(*) FROM governance_group_members WHERE group_id = ?1) AS n").bind(made.id).first("n");
    expect(rows).toBe(0);
    const { results } = await DB.prepare("SELECT action, subject_type, actor_type FROM audit_log WHERE subject_id = ? ORDER BY id").bind(made.id).all();
    expect(results).toEqual(["group.create", "group.update", "group.update", "group.delete"].map((action) => ({ action, subject_type: "Group", actor_type: "operator" })));
  });

  it("come back as they were read, also after one of the two lists was edited", async () => {
    const made = await create({ members: ["m"], grants: [{ ...ALLOW, note: "n" }, { scope: "org", subjectType: "user", subjectName: "ada@example.org", access: "deny", payloadId: "awareness/legal" }] });
    const meaning = (group: GroupSeen) => group.grants.map(({ id: _id, createdAt: _at, ...grant }) => grant);
    const same = await put(made.id, { ...made });
    expect(meaning(same)).toEqual(meaning(made));
    const edit = [{ ...ALLOW, access: "deny" }];
    expect((await put(made.id, { ...same, grants: edit })).awarenessGrants).toMatchObject(edit);
    expect((await put(made.id, { ...(await get(made.id)), awarenessGrants: [] })).grants).toEqual([]);
    expect(await asOperator("PUT", `${GROUPS}/${made.id}`, { body: { grants: [ALLOW], awarenessGrants: edit } })).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining("body.grants") as unknown } });
  });

  it("have names of their own", async () => {
    const [first, second] = [await create({}), await create({ grants: [ALLOW] })];
    expect(await asOperator("POST", GROUPS, { body: { name: first.name } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await asOperator("PUT", `${GROUPS}/${second.id}`, { body: { name: first.name } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    // Nothing of the refused change was kept.
    expect((await get(second.id)).grants).toHaveLength(1);
    expect(await put(second.id, { name: second.name })).toMatchObject({ name: second.name });
  });

  it("are called by grants by id or by name, before they are made and after they are renamed", async () => {
    const [name, payload, principal] = [uniqueName("group"), uniqueName("awareness"), uniqueName("tenant")];
    await create({ grants: [{ scope: "org", subjectType: "group", subjectName: name, access: "allow", payloadId: payload }] });
    const bind = () => asOperator("PUT", `/api/v1/sessions/${principal}/scope`, { body: { principal, scopes: [{ scope: "org", payloadId: payload }] } });
    expect((await bind()).status).toBe(403);
    const named = await create({ name, members: [principal] });
    expect((await bind()).status).toBe(200);
    await put(named.id, { name: uniqueName("renamed") });
    expect((await bind()).status).toBe(200);
    await put(named.id, { members: [] });
    expect((await bind()).status).toBe(403);
  });

  it("refuse malformed input", async () => {
    const bodies = [{}, { name: " " }, { name: "x".repeat(121) }, { name: "x", scope: "galaxy" }, { name: "x", members: "acme" }, { name: "x", members: [7] }, { name: "x", grants: [{ scope: "org", subjectType: "tenant", access: "allow" }] }, { name: "x", grants: [{ ...ALLOW, access: "maybe" }] }, { name: "x", grants: [{ ...ALLOW, priority: 1.5 }] }];
    for (const body of bodies) expect(await asOperator("POST", GROUPS, { body }), JSON.stringify(body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    expect((await asOperator("GET", GROUPS, { token: undefined })).status).toBe(401);
    expect((await asOperator("GET", GROUPS, { token: "nonsense-nonsense" })).status).toBe(403);
  });
});
