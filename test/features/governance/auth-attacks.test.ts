import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env";
import { readEnv } from "../../../src/env";
import { governance } from "../../../src/governance";
import { issueTenantToken } from "../../../src/governance/tenant-sessions/tenant-token";
import { api, BASE_URL, expectStatus, uniqueIp, uniqueName } from "../../support/client";
import { expectOperator, operatorToken } from "../../support/governance";
import { insertSession, signInEnv, signInSettings, tenantToken } from "../../support/governance-auth";
import { contractOf, govern } from "../../support/governed-machines";
import { fetchUnder } from "../../support/promises";

/** What somebody may try who has no credential, another's, one of another kind, or a page of their own. */

const { DB } = env as unknown as { DB: D1Database };
const AUTH = "/api/v1/auth";
const deferral = { waitUntil: () => undefined };

interface Options {
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly under?: Env;
}

async function ask(method: string, path: string, { cookie, headers, body, under = signInEnv() }: Options = {}) {
  const sent = new Headers({ "cf-connecting-ip": uniqueIp(), ...(cookie ? { cookie } : {}), ...(method === "GET" ? {} : { origin: BASE_URL }), ...headers });
  const response = await fetchUnder(new Request(`${BASE_URL}${path}`, { method, headers: sent, redirect: "manual", ...(body === undefined ? {} : { body }) }), under, deferral);
  const text = response.webSocket ? "" : await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, text, webSocket: response.webSocket, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function createTenant(fields: Record<string, unknown> = {}): Promise<{ readonly name: string; readonly email: string }> {
  const name = uniqueName("tenant");
  const email = `${name}@example.org`;
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: name, email, ...fields } });
  return { name, email };
}

const guarded = async () => {
  const features = await Promise.all(governance.features.map(({ load }) => load()));
  return features.flatMap(({ operations }) => operations.map(({ spec }) => spec)).filter(({ auth }) => !auth.includes("none"));
};

describe("every operation that is not open", () => {
  const VALUES: Readonly<Record<string, string>> = { digest: `sha256:${"0".repeat(64)}` };

  it("is closed to sessions that are none, of members, and of pages of others", async () => {
    const { email } = await createTenant();
    const ended = await insertSession({ expiresAt: Date.now() });
    const elsewhere = await insertSession({ issuer: "https://another.sett.test" });
    const member = await insertSession({ email });
    const unproven = await insertSession({ emailVerified: false });
    const operator = await insertSession();
    const specs = await guarded();
    expect(specs.length).toBeGreaterThan(80);
    for (const { method, path, auth, id } of specs) {
      const at = path.replace(/\{(\w+)\}/g, (_, name: string) => VALUES[name] ?? "nobodys");
      const verb = method.toUpperCase();
      for (const cookie of [undefined, ended, elsewhere, `${operator}; opencrane_oidc=planted`]) expect((await ask(verb, at, { cookie })).status, `${id} with ${cookie ?? "nothing"}`).toBe(401);
      if (!auth.includes("session")) for (const cookie of [member, unproven]) expect(await ask(verb, at, { cookie }), `${id} of a member`).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
      if (verb !== "GET") expect((await ask(verb, at, { cookie: operator, headers: { origin: "https://neighbour.sett.test" } })).status, `${id} from a neighbour`).toBe(403);
      if (!auth.includes("session") && !auth.includes("operator")) expect((await ask(verb, at, { cookie: operator })).status, `${id} of an operator`).toBe(403);
      for (const authorization of ["", "Bearer", "Bearer ", "Basic eA==", `Bearer\t${operatorToken}`, `Bearer  ${operatorToken}`, `Bearer ${operatorToken} x`, operatorToken]) {
        expect((await ask(verb, at, { cookie: operator, headers: { authorization } })).status, `${id} with ${authorization}`).toBe(403);
      }
    }
  });

  it("takes no token for one of another kind", async () => {
    const { token: cliToken, user } = await govern();
    const { jws } = await contractOf(await govern());
    const { name } = await createTenant();
    const mine = await tenantToken(name);
    const config = readEnv(env as unknown as Env);
    const past = (await issueTenantToken(config, { tenant: name, bornRevision: 1, epoch: 0, subject: "x" }, Date.now() - 601_000)).token;
    for (const token of [jws, past, user.idToken, user.refreshToken]) expect((await api("GET", "/api/v1/access-tokens", { token })).status, token.slice(0, 40)).toBe(403);
    for (const token of [jws, mine, past]) {
      expect((await api("GET", "/api/v1/user/profile", { token })).status).toBe(401);
      expect((await api("GET", "/api/v1/machine-contracts/nobodys", { token })).status).toBe(403);
    }
    for (const token of [jws, past, cliToken, user.accessToken, user.idToken]) expect((await api("GET", `/api/v1/contract/${name}`, { token })).status).toBe(403);
    expect((await api("GET", `/api/v1/contract/${name}`, { token: mine })).status).toBe(200);
  });
});

describe("what no input may do", () => {
  it("is to bring out a failure of ours, or an answer without a body", async () => {
    const odd = ["%00", "%E0%A4%A", "%ff", "..%2f", "a".repeat(5_000), "%F0%9F%A6%A1", "'%20OR%201=1--", "__proto__"];
    const asked = odd.flatMap((text) => [
      ["GET", `${AUTH}/login?returnTo=${text}`],
      ["GET", `${AUTH}/callback?code=${text}&state=${text}&error=${text}&error_description=${text}&iss=${text}`],
      ["GET", `${AUTH}/device/activate?userCode=${text}`],
      ["GET", `${AUTH}/device/token?deviceCode=${text}`],
      ["DELETE", `/api/v1/access-tokens/${text}`],
      ["GET", `/api/v1/tenants/${text}/socket`],
      ["GET", `/api/v1/auth/${text}`],
    ] as const);
    const cookie = await insertSession();
    for (const [method, path] of asked) {
      for (const under of [cookie, `${cookie}; opencrane_oidc_login=v1.s1.AAAA.AAAA`, "opencrane_oidc_login=x; =; ;;opencrane_oidc"]) {
        const answer = await ask(method, path, { cookie: under });
        // No provider answers here: beginning a sign-in ends with 502, whatever is asked.
        expect([302, 400, 401, 403, 404, 410, 502], `${method} ${path.slice(0, 80)}`).toContain(answer.status);
        if (answer.status !== 302) expect(answer.text).not.toBe("");
      }
    }
  });

  it("is to be shown as markup", async () => {
    const html = { accept: "text/html" };
    const page = await ask("GET", `${AUTH}/callback?error=x&error_description=${encodeURIComponent("<script>alert(1)</script>")}&state=x`, { headers: html });
    expect(page.status).toBe(400);
    expect(page.text).not.toContain("alert");
    const { userCode } = (await ask("POST", `${AUTH}/device`, { headers: { "user-agent": "<img src=x onerror=alert(1)>" } })).body as { userCode: string };
    const question = await ask("GET", `${AUTH}/device/activate?userCode=${userCode}`, { cookie: await insertSession(), headers: html });
    expect(question.text).toContain("&lt;img");
    expect(question.text).not.toContain("<img");
    expect(question.headers.get("x-frame-options")).toBe("DENY");
    expect(question.headers.get("cache-control")).toBe("no-store");
  });
});

describe("answers", () => {
  it("that a credential opened are nobody else's to keep", async () => {
    const cookie = await insertSession();
    for (const [method, path] of [["GET", "/api/v1/access-tokens"], ["POST", "/api/v1/access-tokens"], ["GET", `${AUTH}/me`], ["POST", `${AUTH}/device`]] as const) {
      expect((await ask(method, path, { cookie, ...(method === "POST" ? { body: "{}" } : {}) })).headers.get("cache-control"), path).toBe("no-store");
    }
  });

  it("over TLS bind browsers to it, but not on one's own machine", async () => {
    expect((await ask("GET", `${AUTH}/me`)).headers.get("strict-transport-security")).toBeNull();
    const under = signInEnv({ ENVIRONMENT: "production" });
    for (const path of [`${AUTH}/me`, "/api/v1/nothing"]) expect((await ask("GET", path, { under })).headers.get("strict-transport-security")).toBe("max-age=63072000; includeSubDomains; preload");
  });
});

describe("limits of programs that share an operator's token", () => {
  it("count each address by itself, and people by themselves", async () => {
    const keys: string[] = [];
    const limiter = { limit: ({ key }: { key: string }) => (keys.push(key), Promise.resolve({ success: true })) };
    const under = { ...signInEnv(), LIMIT_READ: limiter } as unknown as Env;
    for (const ip of ["192.0.2.1", "192.0.2.2"]) await ask("GET", "/api/v1/access-tokens", { under, headers: { authorization: `Bearer ${operatorToken}`, "cf-connecting-ip": ip } });
    const cookie = await insertSession({ subject: "limited" });
    for (const ip of ["192.0.2.1", "192.0.2.2"]) await ask("GET", "/api/v1/access-tokens", { under, cookie, headers: { "cf-connecting-ip": ip } });
    expect(keys).toEqual(["read:operator:static:192.0.2.1", "read:operator:static:192.0.2.2", "read:operator:person:limited", "read:operator:person:limited"]);
  });
});

describe("a member's socket", () => {
  const member = async () => {
    const tenant = await createTenant();
    const cookie = await insertSession({ email: tenant.email });
    const { token } = (await ask("POST", `${AUTH}/pod-token`, { cookie })).body as { token: string };
    const open = (bearer = token) => ask("GET", `/api/v1/tenants/${tenant.name}/socket?token=${bearer}`, { headers: { upgrade: "websocket" } });
    return { ...tenant, cookie, token, open };
  };
  const listen = (socket: WebSocket | null | undefined): { code: number }[] => {
    const closed: { code: number }[] = [];
    socket?.addEventListener("close", ({ code }) => void closed.push({ code }));
    socket?.accept();
    return closed;
  };

  it("ends with its session's cut, and a new token opens another", async () => {
    const { cookie, open, name } = await member();
    const closed = listen((await open()).webSocket);
    expect((await ask("POST", `${AUTH}/pod-token/cut`, { cookie })).status).toBe(200);
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4401 }]));
    expect((await open()).status).toBe(403);
    const fresh = await open(await tenantToken(name));
    expect(fresh.status).toBe(101);
    listen(fresh.webSocket);
    fresh.webSocket?.close();
  });

  it("opens with a tenant's token alone, where the token stands in the address", async () => {
    const { name } = await member();
    for (const path of [`/api/v1/tenants/${name}/socket`, `/api/v1/bundles/sha256:${"0".repeat(64)}/content`]) expect((await ask("GET", `${path}?tenantName=${name}&token=${operatorToken}`, { headers: { upgrade: "websocket" } })).body, path).toMatchObject({ error: "The token is not valid, or not any more.", code: "FORBIDDEN" });
  });

  it("lives no longer than its token", async () => {
    const { open, name } = await member();
    const closed = listen((await open()).webSocket);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 601_000 });
    await expectOperator(200, "PUT", `/api/v1/tenants/${name}`, { body: { displayName: "Other" } });
    vi.useRealTimers();
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4401 }]));
  });

  it("and the token end with the tenant's suspension", async () => {
    const { open, name, token, cookie } = await member();
    const closed = listen((await open()).webSocket);
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`);
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4403 }]));
    const skill = `/api/v1/bundles/sha256:${"0".repeat(64)}/content?tenantName=${name}`;
    for (const [method, path] of [["GET", `/api/v1/contract/${name}`], ["GET", `/api/v1/tenants/${name}/socket`], ["GET", skill]] as const) expect(await api(method, path, { token }), path).toMatchObject({ status: 403, body: { code: "TENANT_SUSPENDED" } });
    expect(await ask("POST", `${AUTH}/pod-token`, { cookie })).toMatchObject({ status: 409, body: { code: "POD_NOT_READY" } });
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/resume`);
    expect((await api("GET", `/api/v1/contract/${name}`, { token })).status).toBe(200);
  });
});

describe("a device grant", () => {
  it("keeps its token for the next poll when the one that should get it breaks off", async () => {
    const { deviceCode, userCode } = (await ask("POST", `${AUTH}/device`)).body as { deviceCode: string; userCode: string };
    await DB.prepare("UPDATE governance_device_grants SET approved_by = 'p', approved_at = 1 WHERE user_code = ?").bind(userCode).run();
    const away = new Proxy(DB, {
      get: (db, name) => {
        if (name === "batch") return () => Promise.reject(new Error("D1 is away"));
        const value: unknown = Reflect.get(db, name, db);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      },
    });
    const poll = (under?: Env) => ask("GET", `${AUTH}/device/token?deviceCode=${deviceCode}`, under ? { under } : {});
    const broken = await poll({ ...signInEnv(), DB: away });
    expect(broken).toMatchObject({ status: 500, body: { code: "INTERNAL_ERROR" } });
    expect(broken.text).not.toMatch(/ocp_|D1/);
    expect(await poll()).toMatchObject({ status: 200, body: { status: "authorized" } });
    expect((await poll()).status).toBe(410);
    expect((await DB.prepare("SELECT count(*) AS n FROM governance_access_tokens WHERE name = ?").bind(`cli-device-${userCode}`).first<{ n: number }>())?.n).toBe(1);
  });
});

describe("a tenant's host", () => {
  it("is under the domain of the cluster tenant that it is attached to", async () => {
    const place = uniqueName("place");
    await DB.prepare("INSERT INTO governance_cluster_tenants (name, display_name, base_domain, isolation_tier, compute, quota, phase, created_at, updated_at) VALUES (?, ?, 'own.example.org', 'shared', '{\"mode\":\"shared\"}', '{}', 'ready', 1, 1)").bind(place, place).run();
    const { name, email } = await createTenant({ clusterTenantRef: place });
    const { body } = await ask("POST", `${AUTH}/pod-token`, { cookie: await insertSession({ email }) });
    expect(body["ingressHost"]).toBe(`${name}.own.example.org`);
    expect(await expectOperator(200, "GET", `/api/v1/tenants/${name}`)).toMatchObject({ ingressHost: body["ingressHost"] });
    expect(body["gatewayUrl"]).toBe(`wss://sett.test/api/v1/tenants/${name}/socket`);
  });
});

describe("a Sett administrator", () => {
  it("is the owner of their own machines, and an operator elsewhere, while they are one", async () => {
    const { user, machine, tenant } = await govern();
    await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(user.userId).run();
    const token = user.accessToken;
    expect(await expectStatus(200, "GET", `/api/v1/machine-contracts/${machine}`, { token })).toMatchObject({ tenant });
    await expectStatus(200, "GET", "/api/v1/tenants", { token });
    await DB.prepare("UPDATE users SET status = 'deactivated' WHERE id = ?").bind(user.userId).run();
    for (const path of ["/api/v1/tenants", `/api/v1/machine-contracts/${machine}`]) expect((await api("GET", path, { token })).status, path).toBe(403);
  });
});

describe("signing in", () => {
  const { OIDC_ISSUER_URL: ISSUER, OIDC_CLIENT_ID: CLIENT } = signInSettings;
  let keys: CryptoKeyPair;
  let published: Record<string, unknown>;
  /** What the provider says of whoever brings a code. */
  let claims: Record<string, unknown> = {};
  let nonce = "";

  beforeAll(async () => {
    keys = await generateKeyPair("RS256", { extractable: true });
    published = { ...(await exportJWK(keys.publicKey)), kid: "k", alg: "RS256", use: "sig" };
  });
  afterEach(() => void vi.restoreAllMocks());

  /** A provider that takes any code, any number of times. */
  function answerAsProvider(): void {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
      const { pathname } = new URL(input instanceof Request ? input.url : String(input));
      if (pathname === "/token") {
        const idToken = await new SignJWT({ sub: "p", iss: ISSUER, aud: CLIENT, nonce, ...claims }).setProtectedHeader({ alg: "RS256", kid: "k" }).setIssuedAt().setExpirationTime("1m").sign(keys.privateKey);
        return Response.json({ access_token: "a", token_type: "Bearer", expires_in: 60, id_token: idToken });
      }
      if (pathname === "/keys") return Response.json({ keys: [published] });
      return Response.json({ issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token`, jwks_uri: `${ISSUER}/keys`, id_token_signing_alg_values_supported: ["RS256"], authorization_response_iss_parameter_supported: true });
    });
  }

  async function begin(returnTo = "/", under?: Env): Promise<{ readonly cookie: string; readonly answer: string; readonly setCookie: string }> {
    answerAsProvider();
    const begun = await ask("GET", `${AUTH}/login?returnTo=${encodeURIComponent(returnTo)}`, under ? { under } : {});
    expect(begun.status).toBe(302);
    const setCookie = begun.headers.get("set-cookie") ?? "";
    const query = new URL(begun.headers.get("location") ?? "").searchParams;
    nonce = query.get("nonce") ?? "";
    return { cookie: setCookie.split(";")[0] ?? "", setCookie, answer: new URLSearchParams({ code: "c", state: query.get("state") ?? "", iss: ISSUER }).toString() };
  }
  const finish = ({ cookie, answer }: { cookie: string; answer: string }, more = "") => ask("GET", `${AUTH}/callback?${answer}`, { cookie: `${cookie}${more}` });
  const sessionIn = (headers: Headers) => /opencrane_oidc=([^;]+);/.exec(headers.get("set-cookie") ?? "")?.[1];

  it("leads to one session, however often its answer comes at once, and ends the browser's last one", async () => {
    const subject = uniqueName();
    claims = { sub: subject, email: "Keeper@example.org", email_verified: true };
    const fixed = await insertSession();
    const attempt = await begin("/fleet");
    const answers = await Promise.all(Array.from({ length: 5 }, () => finish(attempt, `; ${fixed}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([302, 400, 400, 400, 400]);
    const [won] = answers.filter(({ status }) => status === 302);
    expect(won?.headers.get("location")).toBe("/fleet");
    const value = sessionIn(won?.headers ?? new Headers());
    expect((await ask("GET", `${AUTH}/me`, { cookie: `opencrane_oidc=${value}` })).body).toMatchObject({ authenticated: true, user: { sub: subject, email: "keeper@example.org" } });
    expect((await ask("GET", `${AUTH}/me`, { cookie: fixed })).body).toMatchObject({ authenticated: false });
    expect((await finish(attempt)).status).toBe(400);
    expect((await DB.prepare("SELECT count(*) AS n FROM governance_sessions WHERE subject = ?").bind(subject).first<{ n: number }>())?.n).toBe(1);
  });

  it("ends in the browser that began it only, with the answer of its own attempt from its own provider", async () => {
    claims = { email: "keeper@example.org", email_verified: true };
    const [mine, theirs] = [await begin(), await begin()];
    for (const [cookie, answer] of [["", theirs.answer], [mine.cookie, theirs.answer], [`${theirs.cookie}; ${mine.cookie}`, theirs.answer], [mine.cookie, mine.answer.replace(/iss=[^&]+/, "iss=https%3A%2F%2Fother.test")], [mine.cookie, mine.answer.replace(/&iss=[^&]+/, "")], [mine.cookie, `${mine.answer}&state=x`]] as const) {
      const answered = await ask("GET", `${AUTH}/callback?${answer}`, { cookie });
      expect(answered, `${answer}`).toMatchObject({ status: 400, body: { code: "MALFORMED_REQUEST" } });
      expect(sessionIn(answered.headers)).toBeUndefined();
    }
  });

  it("goes nowhere else", async () => {
    claims = { email: "keeper@example.org", email_verified: true };
    for (const returnTo of ["//evil.test", "/\\evil.test", "/\t/evil.test", "https://evil.test", "/.//evil.test", "/a/..//evil.test", "/%2e//evil.test"]) expect((await finish(await begin(returnTo))).headers.get("location"), returnTo).toBe("/");
    expect((await finish(await begin("/a?b=//c"))).headers.get("location")).toBe("/a?b=//c");
  });

  it("lets in neither a look-alike nor an address that is not proven", async () => {
    const { email } = await createTenant();
    const k = "\u212A";
    const refused = [
      { email: "keeper@example.org", email_verified: false },
      { email: "keeper@example.org", email_verified: "false" },
      { email: "keeper@example.org", email_verified: 1 },
      { email: "keeper@example.org" },
      { email: "keeper@example.org".replace("k", k), email_verified: true },
      { email: ["keeper@example.org"], email_verified: true },
      { email, email_verified: false },
      { email_verified: true },
    ];
    for (claims of refused) {
      const answered = await finish(await begin());
      expect(answered, JSON.stringify(claims)).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
      expect(sessionIn(answered.headers)).toBeUndefined();
    }
    claims = { email: email.toUpperCase(), email_verified: true };
    const member = await finish(await begin());
    expect(member.status).toBe(302);
    expect((await ask("GET", "/api/v1/access-tokens", { cookie: `opencrane_oidc=${sessionIn(member.headers)}` })).status).toBe(403);
  });

  it("keeps its cookies to its own host where the operator says so", async () => {
    const under = signInEnv({ OIDC_COOKIE_NAME: "__Host-sett" });
    const { setCookie } = await begin("/", under);
    expect(setCookie).toMatch(/^__Host-sett_login=[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/);
    vi.restoreAllMocks();
    expect((await begin()).setCookie).toContain("; Path=/api/v1/auth; ");
  });
});
