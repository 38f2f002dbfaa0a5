import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };
const SERVERS = "/api/v1/mcp-servers";

interface CredentialSeen {
  readonly id: string;
  readonly displayName: string;
  readonly brokeringMode: string;
  readonly secretRef: string | null;
  readonly secretExists?: boolean;
}
interface ServerSeen {
  readonly id: string;
  readonly name: string;
  readonly endpoint: string;
  readonly grants: unknown[];
  readonly credentials: CredentialSeen[];
}

const ENDPOINT = "https://mcp.example.org/mcp";
const ALLOW = { scope: "org", subjectType: "tenant", subjectId: "acme", access: "allow" };
const create = (body: Record<string, unknown> = {}) => expectOperator<ServerSeen>(201, "POST", SERVERS, { body: { name: uniqueName("server"), endpoint: ENDPOINT, transport: "streamable-http", ...body } });
const get = (id: string) => expectOperator<ServerSeen>(200, "GET", `${SERVERS}/${id}`);
const invalid = (field: string) => ({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining(field) as unknown } });

describe("MCP servers", () => {
  it("go from their registration to their end", async () => {
    // What the published CLI sends.
    const plain = await create();
    expect(plain).toMatchObject({ endpoint: ENDPOINT, transport: "streamable-http", scope: "org", status: "draft", description: "", capabilities: [], grants: [], credentials: [], brokerUrl: expect.stringMatching(new RegExp(`/api/v1/mcp/${plain.id}$`)) as unknown });

    const secret = uniqueName("secret");
    await expectOperator(200, "PUT", `/api/v1/secrets/${secret}`, { body: { value: "hush" } });
    const full = await create({
      transport: "sse",
      scope: "team",
      status: "active",
      description: "Tickets",
      capabilities: ["search", "create"],
      lastSyncedAt: "2026-01-02T03:04:05Z",
      grants: [{ ...ALLOW, note: "n", priority: -2 }, { ...ALLOW, subjectType: "group", subjectId: undefined, subjectName: "builders", access: "deny" }],
      credentials: [{ displayName: "Robot", secretRef: secret }, { displayName: "Nobody", brokeringMode: "static", secretRef: "not.kept" }, { displayName: "Users", brokeringMode: "obo", secretRef: null }],
    });
    expect(full).toMatchObject({
      transport: "sse",
      scope: "department",
      status: "active",
      description: "Tickets",
      capabilities: ["search", "create"],
      lastSyncedAt: "2026-01-02T03:04:05.000Z",
      grants: [{ ...ALLOW, subjectName: "acme", note: "n", priority: -2, payloadId: full.id }, { subjectType: "group", subjectId: "builders", subjectName: "builders", access: "deny" }],
      credentials: [
        { displayName: "Robot", brokeringMode: "static", secretRef: secret, secretExists: true },
        { displayName: "Nobody", brokeringMode: "static", secretRef: "not.kept", secretExists: false },
        { displayName: "Users", brokeringMode: "obo", secretRef: null },
      ],
    });
    expect(full.credentials[2]).not.toHaveProperty("secretExists");
    expect(await get(full.id)).toEqual(full);
    const listed = await expectOperator<ServerSeen[]>(200, "GET", SERVERS);
    expect(listed.filter(({ id }) => id === full.id || id === plain.id)).toEqual([full, plain]);

    // Absent fields stay; absent grants and credentials go.
    const changed = await expectOperator<ServerSeen>(200, "PUT", `${SERVERS}/${full.id}`, { body: { endpoint: "wss://mcp.example.org/ws", transport: "websocket", lastSyncedAt: null } });
    expect(changed).toMatchObject({ id: full.id, name: full.name, status: "active", scope: "department", description: "Tickets", endpoint: "wss://mcp.example.org/ws", transport: "websocket", grants: [], credentials: [] });
    for (const gone of ["lastSyncedAt", "brokerUrl"]) expect(changed).not.toHaveProperty(gone);
    // What was read can be sent back; credentials get new ids.
    const back = await expectOperator<ServerSeen>(200, "PUT", `${SERVERS}/${full.id}`, { body: full });
    const meaning = ({ credentials, grants, ...rest }: ServerSeen) => ({ ...rest, updatedAt: null, credentials: credentials.map((one) => ({ ...one, id: null })), grants: grants.map((one) => ({ ...(one as object), id: null, createdAt: null })) });
    expect(meaning(back)).toEqual(meaning(full));
    expect(back.credentials.map(({ id }) => id)).not.toContain(full.credentials[0]?.id);

    expect(await expectOperator(200, "DELETE", `${SERVERS}/${full.id}`)).toEqual({ id: full.id, status: "deleted" });
    for (const method of ["GET", "PUT", "DELETE"]) expect(await asOperator(method, `${SERVERS}/${full.id}`, method === "PUT" ? { body: {} } : {})).toMatchObject({ status: 404, body: { code: "MCP_SERVER_NOT_FOUND" } });
    const left = await DB.prepare("SELECT (SELECT count(*) FROM governance_grants WHERE payload_id = ?1) + (SELECT count(*) FROM governance_mcp_credentials WHERE server_id = ?1) AS n").bind(full.id).first("n");
    expect(left).toBe(0);
    const { results } = await DB.prepare("SELECT action, detail FROM audit_log WHERE subject_type = 'McpServer' AND subject_id = ? ORDER BY id").bind(full.id).all<{ action: string; detail: string }>();
    expect(results.map(({ action }) => action)).toEqual(["mcp_server.create", "mcp_server.update", "mcp_server.update", "mcp_server.delete"]);
  });

  it("show the source they came from", async () => {
    const [id, name] = [uniqueName("src"), uniqueName("registry")];
    await DB.prepare("INSERT INTO governance_sources (id, name, kind, origin_url, sync_mode, status, sync_interval_minutes, created_at, updated_at) VALUES (?, ?, 'mcp-registry', 'https://example.org', 'manual', 'healthy', 60, 1, 1)").bind(id, name).run();
    expect(await create({ sourceId: id })).toMatchObject({ sourceId: id, sourceName: name });
    expect(await create({ sourceId: "gone" })).not.toHaveProperty("sourceName");
  });

  it("are written whole or not at all", async () => {
    const name = uniqueName("server");
    const faulty = { credentials: [{ displayName: "ok", secretRef: "a" }, { displayName: "bad", brokeringMode: "obo", secretRef: "a" }] };
    expect(await asOperator("POST", SERVERS, { body: { name, endpoint: ENDPOINT, ...faulty } })).toMatchObject(invalid("body.credentials.1.secretRef"));
    expect(await DB.prepare("SELECT count(*) AS n FROM governance_mcp_servers WHERE name = ?").bind(name).first("n")).toBe(0);

    const made = await create({ name, grants: [ALLOW], credentials: [{ displayName: "ok", secretRef: "a" }] });
    expect(await asOperator("PUT", `${SERVERS}/${made.id}`, { body: { status: "active", credentials: [{ displayName: "bad" }] } })).toMatchObject(invalid("body.credentials.0.secretRef"));
    expect(await asOperator("POST", SERVERS, { body: { name, endpoint: ENDPOINT } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    const other = await create();
    expect(await asOperator("PUT", `${SERVERS}/${other.id}`, { body: { name } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await get(made.id)).toEqual(made);
    expect(await get(other.id)).toEqual(other);
  });

  it("lose no change when two write at once", async () => {
    const { id } = await create();
    const put = (body: Record<string, unknown>) => asOperator("PUT", `${SERVERS}/${id}`, { body });
    const answers = await Promise.all([put({ description: "new" }), put({ status: "active" }), asOperator("POST", `${SERVERS}/${id}/credentials`, { body: { displayName: "c", brokeringMode: "obo" } })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 201]);
    expect(await get(id)).toMatchObject({ description: "new", status: "active" });
  });

  it("refuse malformed input", async () => {
    const base = { name: "x", endpoint: ENDPOINT };
    const bodies: [string, Record<string, unknown>][] = [
      ["body.name", { endpoint: ENDPOINT }],
      ["body.endpoint", { name: "x" }],
      ["body.endpoint", { ...base, endpoint: "mcp.example.org" }],
      ["body.endpoint", { ...base, endpoint: "https://ada:secret-word@example.org" }],
      ["body.endpoint", { ...base, endpoint: "https://example.org/#x" }],
      ["body.transport", { ...base, transport: "pigeon" }],
      ["body.status", { ...base, status: "created" }],
      ["body.lastSyncedAt", { ...base, lastSyncedAt: "yesterday" }],
      ["body.grants.0", { ...base, grants: [{}] }],
      ["body.credentials.0", { ...base, credentials: [{ displayName: "x", secretRef: "a b" }] }],
      ["body.credentials", { ...base, credentials: Array.from({ length: 21 }, () => ({ displayName: "x", brokeringMode: "obo" })) }],
    ];
    for (const [field, body] of bodies) {
      const answer = await asOperator("POST", SERVERS, { body });
      expect(answer, field).toMatchObject(invalid(field));
      expect(JSON.stringify(answer.body)).not.toContain("secret-word");
    }
  });
});

describe("credentials of MCP servers", () => {
  it("are added and taken one by one", async () => {
    const { id } = await create({ credentials: [{ displayName: "first", secretRef: "one" }] });
    const at = `${SERVERS}/${id}/credentials`;
    const added = await expectOperator<CredentialSeen>(201, "POST", at, { body: { displayName: "second", brokeringMode: "obo" } });
    expect(added).toMatchObject({ displayName: "second", brokeringMode: "obo", secretRef: null });
    const third = await expectOperator<CredentialSeen>(201, "POST", at, { body: { displayName: "third", secretRef: "one" } });
    expect(third).toMatchObject({ brokeringMode: "static", secretRef: "one", secretExists: false });
    const list = await expectOperator<CredentialSeen[]>(200, "GET", at);
    expect(list.map(({ displayName }) => displayName)).toEqual(["first", "second", "third"]);
    expect((await get(id)).credentials).toEqual(list);

    expect(await expectOperator(200, "DELETE", `${at}/${added.id}`)).toEqual({ id: added.id, status: "deleted" });
    expect(await asOperator("DELETE", `${at}/${added.id}`)).toMatchObject({ status: 404, body: { code: "MCP_CREDENTIAL_NOT_FOUND" } });
    const other = await create();
    expect(await asOperator("DELETE", `${SERVERS}/${other.id}/credentials/${third.id}`)).toMatchObject({ status: 404, body: { code: "MCP_CREDENTIAL_NOT_FOUND" } });
    expect((await get(id)).credentials.map(({ displayName }) => displayName)).toEqual(["first", "third"]);
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'McpServerCredential' AND subject_id = ? ORDER BY id").bind(added.id).all<{ action: string }>();
    expect(results.map(({ action }) => action)).toEqual(["mcp_credential.create", "mcp_credential.delete"]);
  });

  it("keep the custody rule, and belong to a server that is there", async () => {
    const { id } = await create();
    const at = `${SERVERS}/${id}/credentials`;
    for (const body of [{ displayName: "x" }, { displayName: "x", secretRef: " " }, { displayName: "x", brokeringMode: "obo", secretRef: "a" }]) expect(await asOperator("POST", at, { body }), JSON.stringify(body)).toMatchObject(invalid("body.secretRef"));
    expect(await asOperator("POST", at, { body: { displayName: " " } })).toMatchObject(invalid("body.displayName"));
    // Who is not there comes before what is wrong.
    for (const body of [{ displayName: "x" }, { displayName: "x", brokeringMode: "obo" }]) expect(await asOperator("POST", `${SERVERS}/gone/credentials`, { body })).toMatchObject({ status: 404, body: { code: "MCP_SERVER_NOT_FOUND" } });
    expect(await asOperator("GET", `${SERVERS}/gone/credentials`)).toMatchObject({ status: 404, body: { code: "MCP_SERVER_NOT_FOUND" } });
    for (let n = 0; n < 20; n++) await expectOperator(201, "POST", at, { body: { displayName: `c${n}`, brokeringMode: "obo" } });
    expect((await asOperator("POST", at, { body: { displayName: "one too many", brokeringMode: "obo" } })).status).toBe(400);
  });
});
