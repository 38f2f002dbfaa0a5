import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readEnv, type Env } from "../../../src/env";
import { issueTenantToken } from "../../../src/governance/tenant-sessions/tenant-token";
import { api, BASE_URL, mintToken, send, signUpUser, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";
import { beat, registerMachine } from "../../support/machines";
import { McpDouble, readEvents } from "../../support/mcp-server";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const HOST = "https://mcp.example.org";
const SECRET = `key-${crypto.randomUUID()}`;

const secretName = uniqueName("mcp-key");
let tenant: string;
let token: string;
let double: McpDouble;

async function makeTenant(body: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName("team");
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: "Team", email: `${name}@example.org`, ...body } });
  return name;
}

/** A session token of a tenant, as the exchange of a browser's session makes it. */
async function tokenOf(name: string): Promise<string> {
  const born = await bindings.DB.prepare("SELECT born_revision FROM governance_tenants WHERE name = ?").bind(name).first<number>("born_revision");
  return (await issueTenantToken(readEnv(bindings), { tenant: name, bornRevision: born ?? -1, epoch: 0, subject: "ada" }, Date.now())).token;
}

const allow = (subjectId: string) => ({ scope: "org", subjectType: "tenant", subjectId, access: "allow" });
async function makeServer(body: Record<string, unknown> = {}): Promise<string> {
  const standard = { name: uniqueName("server"), endpoint: `${HOST}/mcp`, status: "active", grants: [allow(tenant)], credentials: [{ displayName: "Robot", secretRef: secretName }] };
  return (await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", { body: { ...standard, ...body } })).id;
}

const rpc = (method: string, id?: number, params: Record<string, unknown> = {}) => JSON.stringify({ jsonrpc: "2.0", method, params, ...(id === undefined ? {} : { id }) });
const MCP = { accept: "application/json, text/event-stream", "content-type": "application/json" };
interface Options {
  readonly as?: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}
const brokered = (id: string, { as = token, method = "POST", body = rpc("initialize", 1, { protocolVersion: "2025-06-18" }), headers = {}, query = "" }: Options = {}) =>
  send(method, `/api/v1/mcp/${id}${query}`, { token: as, headers: { ...MCP, ...headers }, ...(method === "POST" ? { body } : {}) });
const refused = async (response: Promise<Response>) => {
  const answer = await response;
  return { status: answer.status, code: ((await answer.json()) as { code: string }).code };
};

beforeAll(async () => {
  tenant = await makeTenant();
  token = await tokenOf(tenant);
  await expectOperator(200, "PUT", `/api/v1/secrets/${secretName}`, { body: { value: SECRET } });
});
beforeEach(() => {
  double = new McpDouble(`Bearer ${SECRET}`, { keepsOpen: false });
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => double.fetch(new Request(input as string, init as RequestInit)));
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("brokered MCP calls", () => {
  it("carry a session to its end with a credential that the caller never sees", async () => {
    const id = await makeServer();
    const begun = await brokered(id, { headers: { cookie: "mine=1", "x-forwarded-for": "10.1.1.1", "mcp-protocol-version": "2025-06-18" } });
    expect(begun.status).toBe(200);
    expect(await begun.json()).toMatchObject({ id: 1, result: { serverInfo: { name: "double" } } });
    const session = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
    expect(session["mcp-session-id"]).not.toBe("");
    for (const name of ["set-cookie", "x-powered-by", "www-authenticate"]) expect(begun.headers.get(name)).toBeNull();
    expect(begun.headers.get("x-content-type-options")).toBe("nosniff");
    const [seen] = double.seen;
    expect(seen?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, "mcp-protocol-version": "2025-06-18", accept: MCP.accept });
    for (const name of ["cookie", "x-forwarded-for", "cf-connecting-ip"]) expect(seen?.headers).not.toHaveProperty(name);
    expect(JSON.stringify(double.seen)).not.toContain(token);

    const told = await brokered(id, { body: rpc("notifications/initialized"), headers: session });
    expect([told.status, await told.text()]).toEqual([202, ""]);
    const called = await brokered(id, { body: rpc("tools/call", 2, { name: "echo", arguments: { a: 1 } }), headers: session });
    expect(called.headers.get("content-type")).toBe("text/event-stream");
    const events = await readEvents(called.body ?? new ReadableStream(), 2);
    expect(events[0]?.data).toContain("notifications/progress");
    expect(JSON.parse(events[1]?.data ?? "")).toMatchObject({ id: 2, result: { content: [{ text: '{"a":1}' }] } });

    const listening = await brokered(id, { method: "GET", headers: { ...session, "last-event-id": "7" } });
    expect((await readEvents(listening.body ?? new ReadableStream(), 1))[0]?.data).toContain("list_changed");
    expect(double.seen.at(-1)?.headers).toMatchObject({ "last-event-id": "7" });
    expect((await brokered(id, { method: "DELETE", headers: session })).status).toBe(204);
    // The server's own refusals come through: clients begin anew after this one.
    const lost = await brokered(id, { body: rpc("tools/list", 3), headers: session });
    expect([lost.status, await lost.json()]).toEqual([404, { jsonrpc: "2.0", error: { code: -32_001, message: "Session not found" }, id: null }]);
    const bare = await brokered(id, { method: "GET" });
    expect([bare.status, await bare.json()]).toEqual([400, expect.objectContaining({ code: "UPSTREAM_ERROR" })]);
  });

  it("reach servers of the older transport, whose places for messages open nothing else", async () => {
    const id = await makeServer({ endpoint: `${HOST}/sse`, transport: "sse" });
    const stream = (await brokered(id, { method: "GET" })).body ?? new ReadableStream<Uint8Array>();
    const [first] = await readEvents(stream, 1);
    expect(first?.event).toBe("endpoint");
    const place = new URL(first?.data ?? "", BASE_URL);
    expect([place.origin, place.pathname]).toEqual([BASE_URL, `/api/v1/mcp/${id}`]);
    expect((await brokered(id, { body: rpc("tools/list", 4), query: place.search })).status).toBe(202);
    expect(double.seen.at(-1)).toMatchObject({ path: "/messages", headers: { authorization: `Bearer ${SECRET}` } });

    const count = double.seen.length;
    const stranger = await makeTenant();
    const other = await makeServer({ endpoint: `${HOST}/sse`, transport: "sse", grants: [allow(tenant), allow(stranger)] });
    for (const [server, query, as] of [[id, "?message=%2Fadmin", token], [id, `${place.search.slice(0, -2)}xx`, token], [other, place.search, token], [other, place.search, await tokenOf(stranger)]] as const) {
      expect(await refused(brokered(server, { query, as }))).toEqual({ status: 400, code: "VALIDATION_ERROR" });
    }
    expect(double.seen).toHaveLength(count);
    double.place = () => "https://elsewhere.example/messages";
    const bent = await brokered(id, { method: "GET" });
    expect(await bent.text()).toBe("");
  });

  it("keep one tenant's sessions from another that may call the same server", async () => {
    const other = await makeTenant();
    const id = await makeServer({ grants: [allow(tenant), allow(other)] });
    const begun = await brokered(id);
    const session = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
    const [raw = ""] = double.sessions;
    const count = double.seen.length;
    for (const [as, headers] of [[await tokenOf(other), session], [token, { "mcp-session-id": raw }], [await tokenOf(other), { "mcp-session-id": raw }]] as const) {
      expect(await refused(brokered(id, { as, headers, body: rpc("tools/list", 5) }))).toEqual({ status: 404, code: "MCP_SESSION_NOT_FOUND" });
    }
    expect(double.seen).toHaveLength(count);
    expect((await brokered(id, { headers: session, body: rpc("tools/list", 5) })).status).toBe(200);

    const first = (await brokered(id, { as: await tokenOf(other) })).headers.get("mcp-session-id") ?? "";
    await expectOperator(200, "DELETE", `/api/v1/tenants/${other}`);
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { name: other, displayName: "Second", email: `${other}@example.org` } });
    await expectOperator(200, "PUT", `/api/v1/mcp-servers/${id}`, { body: { grants: [allow(other)], credentials: [{ displayName: "Robot", secretRef: secretName }] } });
    expect(await refused(brokered(id, { as: await tokenOf(other), headers: { "mcp-session-id": first }, body: rpc("tools/list", 6) }))).toEqual({ status: 404, code: "MCP_SESSION_NOT_FOUND" });
    expect((await brokered(id, { as: await tokenOf(other) })).status).toBe(200);
  });

  it("stop in the middle of a stream when the tenant may not go on", async () => {
    const mine = await makeTenant();
    const as = await tokenOf(mine);
    const id = await makeServer({ grants: [allow(mine)] });
    const pulled = (): Response => {
      let sent = 0;
      const chunk = () => new TextEncoder().encode(`data: ${++sent}\n\n`);
      return new Response(new ReadableStream<Uint8Array>({ pull: (controller) => (sent < 3 ? controller.enqueue(chunk()) : controller.close()) }, { highWaterMark: 0 }), { headers: { "content-type": "text/event-stream" } });
    };
    const read = async (inBetween: () => Promise<unknown>): Promise<string> => {
      vi.mocked(globalThis.fetch).mockImplementation(() => Promise.resolve(pulled()));
      const reader = ((await brokered(id, { as, method: "GET" })).body ?? new ReadableStream<Uint8Array>()).getReader();
      let text = new TextDecoder().decode((await reader.read()).value);
      await inBetween();
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60_000 });
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += new TextDecoder().decode(next.value);
      vi.useRealTimers();
      return text;
    };
    expect(await read(() => Promise.resolve())).toBe("data: 1\n\ndata: 2\n\ndata: 3\n\n");
    expect(await read(() => expectOperator(200, "POST", `/api/v1/tenants/${mine}/suspend`))).not.toContain("data: 3");
  });

  it("are for tenants that are granted the server, and everybody else does not find it", async () => {
    const stranger = await makeTenant();
    const [id, denied] = [await makeServer(), await makeServer({ grants: [allow(tenant), { ...allow(tenant), access: "deny" }] })];
    const missing = await refused(brokered("mcp_none"));
    expect(missing).toEqual({ status: 404, code: "MCP_SERVER_NOT_FOUND" });
    expect(await refused(brokered(denied))).toEqual(missing);
    expect(await refused(brokered(id, { as: await tokenOf(stranger) }))).toEqual(missing);
    expect((await asOperator("POST", `/api/v1/mcp/${id}`, { body: {} })).status).toBe(403);
    expect((await api("POST", `/api/v1/mcp/${id}`, { body: {} })).status).toBe(401);

    const group = await expectOperator<{ id: string }>(201, "POST", "/api/v1/groups", { body: { name: uniqueName("group"), members: [tenant] } });
    const grouped = await makeServer({ grants: [{ scope: "org", subjectType: "group", subjectId: group.id, access: "allow" }] });
    expect((await brokered(grouped)).status).toBe(200);
    await expectOperator(200, "DELETE", `/api/v1/groups/${group.id}`);
    expect(await refused(brokered(grouped))).toEqual(missing);
  });

  it("end when the tenant is suspended, the server is none for now, or the policy is against it", async () => {
    const policy = uniqueName("policy");
    const name = uniqueName("tickets");
    await expectOperator(201, "POST", "/api/v1/policies", { body: { name: policy, mcpServers: { allow: [name] } } });
    const mine = await makeTenant({ policyRef: policy });
    const as = await tokenOf(mine);
    const id = await makeServer({ name, grants: [allow(mine)] });
    expect((await brokered(id, { as })).status).toBe(200);
    await expectOperator(200, "PUT", `/api/v1/policies/${policy}`, { body: { mcpServers: { deny: [name] } } });
    expect(await refused(brokered(id, { as }))).toEqual({ status: 403, code: "MCP_DENIED" });
    await expectOperator(200, "DELETE", `/api/v1/policies/${policy}`);
    // Named, and not there: nobody knows what is allowed.
    expect(await refused(brokered(id, { as }))).toEqual({ status: 403, code: "MCP_DENIED" });

    const idle = await makeServer({ status: "degraded" });
    expect(await refused(brokered(idle))).toEqual({ status: 409, code: "MCP_SERVER_INACTIVE" });
    for (const change of [{ transport: "websocket" }, { endpoint: "wss://mcp.example.org/mcp" }]) expect(await refused(brokered(await makeServer(change)))).toEqual({ status: 422, code: "MCP_NOT_BROKERED" });

    const paused = await makeTenant();
    const theirs = await makeServer({ grants: [allow(paused)] });
    const pausedToken = await tokenOf(paused);
    expect((await brokered(theirs, { as: pausedToken })).status).toBe(200);
    await expectOperator(200, "POST", `/api/v1/tenants/${paused}/suspend`);
    expect(await refused(brokered(theirs, { as: pausedToken }))).toEqual({ status: 403, code: "TENANT_SUSPENDED" });
  });

  it("may come from a machine that a tenant governs, with its CLI token", async () => {
    const user = await signUpUser();
    const [bound, loose] = [await mintToken(user), await mintToken(user)];
    const machine = await registerMachine(user, {}, bound.token);
    await beat(bound.token, machine);
    const id = await makeServer();
    expect(await refused(brokered(id, { as: bound.token }))).toEqual({ status: 403, code: "NO_TENANT" });
    await expectOperator(200, "PUT", `/api/v1/tenants/${tenant}/machines/${machine}`, { body: { owner: user.email } });
    expect((await brokered(id, { as: bound.token })).status).toBe(200);
    expect(await refused(brokered(id, { as: loose.token }))).toEqual({ status: 403, code: "NO_TENANT" });
    expect((await brokered(id, { as: user.accessToken })).status).toBe(403);
    await expectOperator(200, "DELETE", `/api/v1/tenants/${tenant}/machines/${machine}`);
    expect(await refused(brokered(id, { as: bound.token }))).toEqual({ status: 403, code: "NO_TENANT" });
  });

  it("need a credential that can be used, unless the server wants none", async () => {
    const asked = () => double.seen.length;
    expect(await refused(brokered(await makeServer({ credentials: [{ displayName: "Users", brokeringMode: "obo" }] })))).toEqual({ status: 503, code: "NOT_CONFIGURED" });
    expect(await refused(brokered(await makeServer({ credentials: [{ displayName: "Robot", secretRef: "not.kept" }] })))).toEqual({ status: 503, code: "NOT_CONFIGURED" });
    expect(asked()).toBe(0);
    double = new McpDouble(null, { keepsOpen: false });
    expect((await brokered(await makeServer({ credentials: [] }))).status).toBe(200);
    expect(double.seen[0]?.headers).not.toHaveProperty("authorization");
    const basic = uniqueName("basic");
    await expectOperator(200, "PUT", `/api/v1/secrets/${basic}`, { body: { value: "Basic YTpi" } });
    double = new McpDouble("Basic YTpi", { keepsOpen: false });
    expect((await brokered(await makeServer({ credentials: [{ displayName: "Robot", secretRef: basic }] }))).status).toBe(200);
  });

  it("say whose fault a failure is, and keep the server's words and our secret to themselves", async () => {
    const logs = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const [warnings, errors] = [vi.spyOn(console, "warn").mockImplementation(() => undefined), vi.spyOn(console, "error").mockImplementation(() => undefined)];
    const id = await makeServer();
    const answers: Record<string, () => Promise<Response>> = {
      "another credential wanted": () => Promise.resolve(new Response(`Bearer ${SECRET} is wrong`, { status: 401 })),
      "a page": () => Promise.resolve(new Response("<script>1</script>", { headers: { "content-type": "text/html" } })),
      "elsewhere": () => Promise.resolve(new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } })),
      "broken": () => Promise.resolve(Response.json({ trace: SECRET }, { status: 500 })),
      "gone": () => Promise.reject(new TypeError(`fetch failed: ${SECRET}`)),
    };
    for (const [what, answer] of Object.entries(answers)) {
      vi.mocked(globalThis.fetch).mockImplementation(answer);
      const response = await brokered(id);
      const text = await response.text();
      expect({ status: response.status, code: (JSON.parse(text) as { code: string }).code }, what).toEqual({ status: 502, code: "UPSTREAM_ERROR" });
      for (const word of [SECRET, "script", "elsewhere"]) expect(text, what).not.toContain(word);
    }
    expect(JSON.stringify([logs.mock.calls, warnings.mock.calls, errors.mock.calls])).not.toContain(SECRET);
    expect(vi.mocked(globalThis.fetch).mock.calls.every(([, init]) => init?.redirect === "manual")).toBe(true);
  });

  it("take a message of one mebibyte and no more", async () => {
    const id = await makeServer();
    const text = (bytes: number) => rpc("initialize", 1, { protocolVersion: "x".repeat(bytes - rpc("initialize", 1, { protocolVersion: "" }).length) });
    expect((await brokered(id, { body: text(1024 * 1024) })).status).toBe(200);
    expect(await refused(brokered(id, { body: text(1024 * 1024 + 1) }))).toEqual({ status: 413, code: "PAYLOAD_TOO_LARGE" });
    expect(double.seen).toHaveLength(1);
  });

  it("reach public hosts over https only, everywhere but at home", async () => {
    const abroad = { ...bindings, ENVIRONMENT: "staging" };
    const call = async (id: string) => {
      const request = new Request(`${BASE_URL}/api/v1/mcp/${id}`, { method: "POST", headers: { ...MCP, authorization: `Bearer ${token}`, "cf-connecting-ip": "10.9.9.9" }, body: rpc("initialize", 1) });
      return fetchUnder(request, abroad, { waitUntil: () => undefined });
    };
    for (const endpoint of ["http://mcp.example.org/mcp", "https://10.0.0.1/mcp", "https://127.0.0.1/mcp", "https://169.254.169.254/mcp", "https://[::1]/mcp", "https://localhost/mcp", "https://db.internal/mcp"]) {
      expect(await refused(call(await makeServer({ endpoint }))), endpoint).toEqual({ status: 422, code: "MCP_NOT_BROKERED" });
    }
    expect(double.seen).toHaveLength(0);
    expect((await call(await makeServer())).status).toBe(200);
  });
});
