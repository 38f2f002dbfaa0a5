import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, send, uniqueIp, uniqueName } from "../../support/client";
import { operatorToken } from "../../support/governance";
import { insertSession, signInEnv, tenantToken } from "../../support/governance-auth";
import { fetchUnder } from "../../support/promises";

const { DB } = env as unknown as { DB: D1Database };
const AUTH = "/api/v1/auth";
const work: Promise<unknown>[] = [];
const deferral = { waitUntil: (some: Promise<unknown>) => void work.push(some) };
const bindings = signInEnv();

interface Options {
  readonly cookie?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly under?: Env;
}

async function ask(method: string, path: string, { cookie, headers, body, under = bindings }: Options = {}): Promise<{ status: number; body: Record<string, unknown>; text: string; headers: Headers }> {
  const sent = new Headers({ "cf-connecting-ip": uniqueIp(), ...(cookie ? { cookie } : {}), ...(method === "GET" ? {} : { origin: BASE_URL }), ...headers });
  const response = await fetchUnder(new Request(`${BASE_URL}${path}`, { method, headers: sent, redirect: "manual", ...(body === undefined ? {} : { body }) }), under, deferral);
  const text = await response.text();
  return { status: response.status, text, headers: response.headers, body: response.headers.get("content-type")?.includes("json") ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function insertTenant(email: string, phase = "Running"): Promise<string> {
  const name = uniqueName("tenant");
  await DB.prepare("INSERT INTO governance_tenants (name, display_name, email, labels, suspended, datasets, phase, revision, born_revision, created_at, updated_at) VALUES (?, ?, ?, '{}', 0, '{}', ?, 1, 1, 1, 1)").bind(name, name, email, phase).run();
  return name;
}
const address = () => `${uniqueName()}@example.org`;
const auditOf = async (subject: string) => (await DB.prepare("SELECT action, actor_type, actor_id FROM audit_log WHERE subject_id = ? ORDER BY id").bind(subject).all()).results;

describe("where nobody can sign in", () => {
  it("says so, and lets nobody in", async () => {
    expect((await expectStatus(200, "GET", `${AUTH}/me`))).toEqual({ mode: "none", authenticated: false, user: null });
    for (const path of ["login", "callback?code=x&state=y", "device/activate?userCode=AAAA-BBBB"]) expect(await api("GET", `${AUTH}/${path}`)).toMatchObject({ status: 503, body: { code: "NOT_CONFIGURED" } });
    await expectStatus(204, "POST", `${AUTH}/logout`);
    expect(await api("GET", "/api/v1/access-tokens", { headers: { cookie: await insertSession() } })).toMatchObject({ status: 401 });
  });
});

describe("browser sessions", () => {
  it("show who is signed in, and what they may do as the list of operators is now", async () => {
    const cookie = await insertSession({ subject: "s-1" });
    const { body } = await ask("GET", `${AUTH}/me`, { cookie });
    expect(body).toMatchObject({ mode: "oidc", authenticated: true, user: { sub: "s-1", email: "keeper@example.org", emailVerified: true, name: "Somebody", isPlatformOperator: true } });
    expect((await ask("GET", "/api/v1/access-tokens", { cookie })).status).toBe(200);

    const others = signInEnv({ OIDC_ALLOWED_EMAILS: "somebody-else@example.org" });
    expect((await ask("GET", `${AUTH}/me`, { cookie, under: others })).body["user"]).toMatchObject({ isPlatformOperator: false });
    expect(await ask("GET", "/api/v1/access-tokens", { cookie, under: others })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    for (const [settings, status] of [[{ OIDC_ALLOWED_EMAILS: "", OIDC_ALLOWED_EMAIL_DOMAINS: "example.org" }, 200], [{ OIDC_ALLOWED_EMAILS: "*" }, 200], [{ OIDC_ALLOWED_EMAILS: "" }, 403], [{ OIDC_ISSUER_URL: "https://another.sett.test" }, 401]] as const) {
      expect((await ask("GET", "/api/v1/access-tokens", { cookie, under: signInEnv(settings) })).status, JSON.stringify(settings)).toBe(status);
    }
  });

  it("end by themselves, and are none when forged", async () => {
    for (const cookie of [await insertSession({ expiresAt: Date.now() - 1 }), "opencrane_oidc=forged", "opencrane_oidc=", "another=1"]) {
      expect((await ask("GET", `${AUTH}/me`, { cookie })).body).toEqual({ mode: "oidc", authenticated: false, user: null });
      expect(await ask("GET", "/api/v1/access-tokens", { cookie })).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
    }
  });

  it("give an unproven address no power", async () => {
    expect((await ask("GET", "/api/v1/access-tokens", { cookie: await insertSession({ emailVerified: false }) })).status).toBe(403);
  });

  it("change nothing for pages of other sites", async () => {
    const cookie = await insertSession();
    const make = (headers: Record<string, string>) => fetchUnder(new Request(`${BASE_URL}/api/v1/access-tokens`, { method: "POST", headers: { "cf-connecting-ip": uniqueIp(), cookie, "content-type": "application/json", ...headers }, body: "{}" }), bindings, deferral);
    const strangers: readonly Record<string, string>[] = [{}, { origin: "https://evil.test" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "https://evil.test", "sec-fetch-site": "same-origin" }];
    for (const headers of strangers) expect((await make(headers)).status, JSON.stringify(headers)).toBe(403);
    for (const headers of [{ origin: BASE_URL }, { "sec-fetch-site": "same-origin" }] as Record<string, string>[]) expect((await make(headers)).status).toBe(201);
  });

  it("count less than a token that comes along", async () => {
    const member = await insertSession({ email: address() });
    expect((await ask("GET", "/api/v1/access-tokens", { cookie: member, headers: { authorization: `Bearer ${operatorToken}` } })).status).toBe(200);
    expect((await ask("GET", "/api/v1/access-tokens", { cookie: await insertSession(), headers: { authorization: "Bearer x" } })).status).toBe(403);
    expect((await ask("GET", `${AUTH}/me`, { headers: { authorization: `Bearer ${operatorToken}` } })).body).toMatchObject({ authenticated: false });
  });

  it("end when somebody signs out, not when another site says so", async () => {
    const subject = uniqueName();
    const cookie = await insertSession({ subject });
    expect((await ask("POST", `${AUTH}/logout`, { cookie, headers: { origin: "https://evil.test" } })).status).toBe(204);
    expect((await ask("GET", `${AUTH}/me`, { cookie })).body).toMatchObject({ authenticated: true });
    const out = await ask("POST", `${AUTH}/logout`, { cookie });
    expect(out.status).toBe(204);
    expect(out.headers.get("set-cookie")).toMatch(/^opencrane_oidc=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/);
    expect((await ask("GET", `${AUTH}/me`, { cookie })).body).toMatchObject({ authenticated: false });
    expect((await ask("POST", `${AUTH}/logout`, { cookie })).status).toBe(204);
    expect(await auditOf(subject)).toEqual([{ action: "session.delete", actor_type: "operator", actor_id: `person:${subject}` }]);
  });
});

describe("tenants' session tokens", () => {
  const POD = `${AUTH}/pod-token`;

  it("are for the one running tenant with the person's address", async () => {
    const email = address();
    const cookie = await insertSession({ email, subject: "member-1" });
    expect(await ask("POST", POD, { cookie })).toMatchObject({ status: 403, body: { code: "NO_TENANT" } });
    const pending = await insertTenant(email.toUpperCase(), "Pending");
    expect(await ask("POST", POD, { cookie })).toMatchObject({ status: 409, body: { code: "POD_NOT_READY" } });
    await DB.prepare("UPDATE governance_tenants SET phase = 'Running' WHERE name = ?").bind(pending).run();
    const { status, body } = await ask("POST", POD, { cookie });
    expect(status).toBe(200);
    expect(body).toMatchObject({ tenant: pending, ingressHost: "sett.test", audience: "tenant-session", gatewayUrl: `wss://sett.test/api/v1/tenants/${pending}/socket`, bootstrapToken: null });
    expect(Date.parse(String(body["expiresAt"])) - Date.now()).toBeLessThanOrEqual(600_000);
    await insertTenant(email);
    expect(await ask("POST", POD, { cookie })).toMatchObject({ status: 409, body: { code: "AMBIGUOUS_TENANT" } });
  });

  it("need a session with a proven address", async () => {
    expect(await ask("POST", POD)).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
    expect(await ask("POST", POD, { headers: { authorization: `Bearer ${operatorToken}` } })).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
    const email = address();
    await insertTenant(email);
    for (const facts of [{ email: null }, { email, emailVerified: false }]) expect(await ask("POST", POD, { cookie: await insertSession(facts) })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });

  it("open nothing but the own tenant's things, and nothing once they are cut", async () => {
    const email = address();
    const tenant = await insertTenant(email);
    const another = await insertTenant(address());
    const cookie = await insertSession({ email });
    const { token } = (await ask("POST", POD, { cookie })).body as { token: string };
    const socket = (name: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }, query = "") => api("GET", `/api/v1/tenants/${name}/socket${query}`, { headers });
    // Admitted; what follows is the socket's business.
    expect((await socket(tenant)).status).toBe(426);
    expect((await socket(another)).status).toBe(404);
    expect((await socket(tenant, {}, `?token=${token}`)).status).toBe(401);
    expect([401, 403]).not.toContain((await socket(tenant, { upgrade: "websocket" }, `?token=${token}`)).status);
    expect(await api("GET", "/api/v1/access-tokens", { token })).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect((await api("GET", "/api/v1/user/profile", { token })).status).toBe(401);

    expect(await ask("POST", `${POD}/cut`, { cookie })).toMatchObject({ status: 200, body: { status: "cut", tenant, scope: "tenant", revokedDevices: 1, podForceDeleted: false, gatewayRevoke: { ok: true, revokedCount: 1 } } });
    expect(await socket(tenant)).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    const fresh = (await ask("POST", POD, { cookie })).body as { token: string };
    expect((await socket(tenant, { authorization: `Bearer ${fresh.token}` })).status).toBe(426);
    expect((await auditOf(tenant)).map((row) => row["action"])).toEqual(["tenant_session.create", "tenant_session.cut", "tenant_session.create"]);
  });

  it("do not outlive the tenant, nor open one that has its name later", async () => {
    const tenant = await insertTenant(address());
    const token = await tenantToken(tenant);
    expect((await api("GET", `/api/v1/tenants/${tenant}/socket`, { token })).status).toBe(426);
    await DB.prepare("UPDATE governance_tenants SET born_revision = 2 WHERE name = ?").bind(tenant).run();
    expect((await api("GET", `/api/v1/tenants/${tenant}/socket`, { token })).status).toBe(403);
    await DB.prepare("DELETE FROM governance_tenants WHERE name = ?").bind(tenant).run();
    expect((await api("GET", `/api/v1/tenants/${tenant}/socket`, { token })).status).toBe(403);
  });
});

describe("device grants", () => {
  const start = async () => (await ask("POST", `${AUTH}/device`)).body as { deviceCode: string; userCode: string; verificationUri: string; expiresIn: number; interval: number };
  const poll = (deviceCode: string) => ask("GET", `${AUTH}/device/token?deviceCode=${deviceCode}`);
  const open = (uri: string, cookie: string) => ask("GET", uri, { cookie });
  const approve = (cookie: string, fields: Record<string, string>) => ask("POST", `${AUTH}/device/activate`, { cookie, headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields).toString() });
  const proofIn = (html: string) => /name="csrf" value="([0-9a-f]{64})"/.exec(html)?.[1] ?? "";
  const over = { status: 410, body: { status: "expired", code: "EXPIRED", error: expect.any(String) } };

  it("go from a code to one token, handed out once", async () => {
    const begun = await start();
    expect(begun).toMatchObject({ expiresIn: 300, interval: 5, verificationUri: `/api/v1/auth/device/activate?userCode=${begun.userCode}` });
    expect(begun.deviceCode).toMatch(/^[0-9a-f]{64}$/);
    expect(begun.userCode).toMatch(/^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/);
    expect(await poll(begun.deviceCode)).toMatchObject({ status: 202, body: { status: "pending" } });

    const subject = uniqueName("operator");
    const cookie = await insertSession({ subject });
    const page = await open(begun.verificationUri, cookie);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(page.text).toContain(begun.userCode);
    expect(page.text).toContain("keeper@example.org");
    // Looking is not confirming.
    expect((await poll(begun.deviceCode)).status).toBe(202);
    const fields = { userCode: begun.userCode, csrf: proofIn(page.text) };
    for (let twice = 0; twice < 2; twice++) expect((await approve(cookie, fields)).status).toBe(200);

    // Whoever only looks whether the address is there uses nothing up.
    expect((await send("HEAD", `${AUTH}/device/token?deviceCode=${begun.deviceCode}`)).status).toBe(405);
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(begun.deviceCode)));
    const [won, ...rest] = [...answers].sort((a, b) => a.status - b.status);
    expect(won).toMatchObject({ status: 200, body: { status: "authorized", token: expect.stringMatching(/^ocp_[0-9a-f]{48}$/) } });
    for (const lost of rest) expect(lost).toMatchObject(over);
    expect(await poll(begun.deviceCode)).toMatchObject(over);
    const tokens = await DB.prepare("SELECT id, owner, expires_at FROM governance_access_tokens WHERE name = ?").bind(`cli-device-${begun.userCode}`).all<{ id: string }>();
    expect(tokens.results).toMatchObject([{ owner: subject, expires_at: null }]);
    expect((await ask("GET", "/api/v1/access-tokens", { headers: { authorization: `Bearer ${String(won?.body["token"])}` } })).status).toBe(200);
    expect((await auditOf(begun.userCode)).map((row) => row["action"])).toEqual(["device_grant.create", "device_grant.approve", "device_grant.deliver"]);
    expect(await auditOf(tokens.results[0]?.id ?? "")).toEqual([{ action: "access_token.create", actor_type: "operator", actor_id: `person:${subject}` }]);
  });

  it("send people to sign in first, and back", async () => {
    const { verificationUri } = await start();
    const sent = await ask("GET", verificationUri);
    expect(sent.status).toBe(302);
    expect(sent.headers.get("location")).toBe(`/api/v1/auth/login?returnTo=${encodeURIComponent(verificationUri)}`);
  });

  it("are confirmed by operators only, by our page only", async () => {
    const { userCode, verificationUri, deviceCode } = await start();
    const member = await insertSession({ email: address() });
    expect((await open(verificationUri, member)).status).toBe(403);
    const cookie = await insertSession();
    const csrf = proofIn((await open(verificationUri, cookie)).text);
    const other = await insertSession();
    expect((await approve(member, { userCode, csrf })).status).toBe(403);
    expect((await approve(other, { userCode, csrf })).status).toBe(403);
    expect((await approve(cookie, { userCode, csrf: "0".repeat(64) })).status).toBe(403);
    expect((await approve(cookie, { userCode })).status).toBe(400);
    expect((await ask("POST", `${AUTH}/device/activate`, { cookie, headers: { origin: "https://evil.test" }, body: new URLSearchParams({ userCode, csrf }).toString() })).status).toBe(403);
    expect((await poll(deviceCode)).status).toBe(202);
    expect((await approve(cookie, { userCode: userCode.toLowerCase().replace("-", " "), csrf })).status).toBe(200);
    // Whoever comes later finds nothing to confirm.
    expect((await open(verificationUri, other)).status).toBe(404);
  });

  it("end after five minutes, confirmed or not", async () => {
    const end = (userCode: string) => DB.prepare("UPDATE governance_device_grants SET expires_at = ? WHERE user_code = ?").bind(Date.now(), userCode).run();
    const cookie = await insertSession();
    const late = await start();
    await end(late.userCode);
    expect(await open(late.verificationUri, cookie)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await poll(late.deviceCode)).toMatchObject(over);
    const confirmed = await start();
    await approve(cookie, { userCode: confirmed.userCode, csrf: proofIn((await open(confirmed.verificationUri, cookie)).text) });
    await end(confirmed.userCode);
    expect(await poll(confirmed.deviceCode)).toMatchObject(over);
    expect(await poll("f".repeat(64))).toMatchObject(over);
    expect((await ask("GET", `${AUTH}/device/token`)).status).toBe(400);
    expect((await open(`${AUTH}/device/activate?userCode=${encodeURIComponent("<script>")}`, cookie)).status).toBe(404);
  });

  it("let a command line ask every five seconds, and nobody begin without end", async () => {
    const { deviceCode } = await start();
    const headers = { "cf-connecting-ip": uniqueIp() };
    for (let polls = 0; polls < 60; polls++) expect((await ask("GET", `${AUTH}/device/token?deviceCode=${deviceCode}`, { headers })).status).toBe(202);
    const begun: number[] = [];
    for (let tries = 0; tries < 70; tries++) begun.push((await ask("POST", `${AUTH}/device`, { headers })).status);
    expect(begun).toContain(429);
  });
});

describe("what is over", () => {
  it("is forgotten, and nothing else", async () => {
    const subject = uniqueName();
    const [ended, alive] = [await insertSession({ expiresAt: Date.now() - 1, subject }), await insertSession({ subject })];
    expect(ended).not.toBe(alive);
    const { userCode } = (await ask("POST", `${AUTH}/device`)).body as { userCode: string };
    const old = (await ask("POST", `${AUTH}/device`)).body as { userCode: string };
    await DB.prepare("UPDATE governance_device_grants SET expires_at = 1 WHERE user_code = ?").bind(old.userCode).run();
    await handleScheduled({ cron: "17 * * * *", scheduledTime: Date.now(), noRetry: () => undefined } as ScheduledController, bindings, deferral);
    const left = await DB.prepare("SELECT count(*) AS n FROM governance_sessions WHERE subject = ?").bind(subject).first<{ n: number }>();
    expect(left?.n).toBe(1);
    const codes = await DB.prepare("SELECT user_code FROM governance_device_grants WHERE user_code IN (?, ?)").bind(userCode, old.userCode).all();
    expect(codes.results).toEqual([{ user_code: userCode }]);
  });
});
