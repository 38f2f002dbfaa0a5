import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, codeMailedTo, expectStatus, logIn, mailsTo, newCredentials, send, signUpUnverified, signUpUser, uniqueIp, uniqueName } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;

const verify = (email: string, code: string) => api("POST", "/api/v1/user/signup/verify", { body: { email, code } });
const login = (username: string, password: string) => api("POST", "/api/v1/user/login", { body: { username, password } });
const refresh = (body: Record<string, unknown>) => api("POST", "/api/v1/user/token/refresh", { body });

/** Another code than this one. */
const wrong = (code: string) => (code === "000000" ? "000001" : "000000");

/** Lets time pass for somebody's pending code. */
async function ageCode(email: string, ms: number): Promise<void> {
  await DB.prepare("UPDATE one_time_codes SET expires_at = expires_at - ?1, sent_at = sent_at - ?1 WHERE tenant_id = (SELECT id FROM users WHERE email_key = ?2)").bind(ms, email.toLowerCase()).run();
}

/** Wishes for codes are looked into after their answers; waits until none is left. */
const wishesDone = () => vi.waitFor(async () => expect(await DB.prepare("SELECT count(*) AS n FROM outbox WHERE type = 'account.send_code'").first("n")).toBe(0), { timeout: 5_000 });

async function auditActions(tenantId: number): Promise<string[]> {
  const { results } = await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? ORDER BY id").bind(tenantId).all<{ action: string }>();
  return results.map((row) => row.action);
}

/** Answers up to the first 429. Twice the limit, since the window may turn over meanwhile. */
async function untilLimited<T extends { status: number }>(request: () => Promise<T>, limit: number): Promise<T[]> {
  const answers: T[] = [];
  while (answers.length <= 2 * limit && answers.at(-1)?.status !== 429) answers.push(await request());
  expect(answers.length).toBeGreaterThan(limit);
  return answers;
}

describe("signing up", () => {
  it("goes from sign-up over the mailed code to a profile", async () => {
    const username = uniqueName("MixedCase");
    const credentials = newCredentials({ username, email: `${username}@Example.org`, name: "  Ada  " });
    const signup = await expectStatus(200, "POST", "/api/v1/user/signup", { body: { ...credentials, phone_number: "+47 123", device_token: "unused" } });
    expect(signup).toMatchObject({ success: true, matrix_account_created: false });
    expect(signup["user_sub"]).toMatch(/^[0-9a-f-]{36}$/);

    const [mail] = await mailsTo(credentials.email);
    const code = await codeMailedTo(credentials.email);
    expect(mail?.subject).toContain(code);
    expect(mail?.html).toContain(code);
    expect(mail?.text).toContain(username.toLowerCase());

    const stored = await DB.prepare("SELECT c.code_hash, u.password_hash FROM one_time_codes c JOIN users u ON u.id = c.tenant_id WHERE u.sub = ?").bind(signup["user_sub"]).first<{ code_hash: string; password_hash: string }>();
    expect(stored?.code_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(stored?.password_hash).toMatch(/^\$argon2id\$/);

    expect(await verify(credentials.email.toUpperCase(), code)).toMatchObject({ status: 200, body: { verified: true } });
    expect(await verify(credentials.email, wrong(code))).toMatchObject({ status: 200, body: { verified: true } });

    const user = await logIn(credentials);
    expect(user.matrixId).toBe(`@${username.toLowerCase()}:sett.localhost`);
    const profile = await expectStatus(200, "GET", "/api/v1/user/profile", { token: user.accessToken });
    expect(profile).toMatchObject({
      id: user.userId,
      name: "Ada",
      username: username.toLowerCase(),
      email: credentials.email,
      matrix_id: user.matrixId,
      phone_number: "+47 123",
      account_verified: true,
      matrix_account_created: false,
      subscription_plan: "free_trial",
      subscription_status: "trialing",
    });
    const trialDays = (Date.parse(String(profile["subscription_ends_at"])) - Date.now()) / 86_400_000;
    expect(trialDays).toBeGreaterThan(13.9);
    expect(trialDays).toBeLessThanOrEqual(14);
    expect(await auditActions(user.userId)).toEqual(["account.verify", "session.create"]);
    const audited = await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = 'account.create' AND subject_id = ?").bind(signup["user_sub"]).first<{ n: number }>();
    expect(audited?.n).toBe(1);
  });

  it("keeps addresses and user names unique, whatever their case", async () => {
    const first = await signUpUnverified();
    const sameEmail = await api("POST", "/api/v1/user/signup", { body: newCredentials({ email: first.email.toUpperCase() }) });
    expect(sameEmail).toMatchObject({ status: 409, body: { code: "email_taken" } });
    const sameName = await api("POST", "/api/v1/user/signup", { body: { ...newCredentials(), username: first.username.toUpperCase() } });
    expect(sameName).toMatchObject({ status: 409, body: { code: "username_taken" } });
    expect(await api("POST", "/api/v1/user/signup", { body: newCredentials({ username: "Administrator", email: `${uniqueName()}@example.org` }) })).toMatchObject({ status: 409, body: { code: "username_taken" } });

    const twins = newCredentials();
    const answers = await Promise.all([1, 2, 3].map(() => api("POST", "/api/v1/user/signup", { body: twins })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
    expect(await mailsTo(twins.email)).toHaveLength(1);
  });

  it("refuses weak and malformed input by field", async () => {
    const good = newCredentials();
    const locOf = async (change: Record<string, unknown>) => {
      const answer = await api<{ code: string; detail: { loc: unknown[] }[] }>("POST", "/api/v1/user/signup", { body: { ...good, ...change } });
      expect(answer.status).toBe(422);
      expect(answer.body.code).toBe("validation_error");
      return answer.body.detail.map((issue) => issue.loc);
    };
    expect(await locOf({ password: "short12" })).toEqual([["body", "password"]]);
    expect(await locOf({ password: "aaaaaaaaaa" })).toEqual([["body", "password"]]);
    expect(await locOf({ password: good.email.toUpperCase() })).toEqual([["body", "password"]]);
    expect(await locOf({ username: "abcd" })).toEqual([["body", "username"]]);
    expect(await locOf({ username: "has_underscore" })).toEqual([["body", "username"]]);
    expect(await locOf({ email: "nobody" })).toEqual([["body", "email"]]);
    expect(await locOf({ name: " " })).toEqual([["body", "name"]]);
    expect((await api("POST", "/api/v1/user/signup")).status).toBe(422);
    expect((await api("POST", "/api/v1/user/signup", { body: "{" })).status).toBe(422);
    await expectStatus(200, "POST", "/api/v1/user/signup", { body: good });
  });

  it("gives an abandoned claim to the next claimant, never a live one", async () => {
    const typo = await signUpUnverified();
    const oldCode = await codeMailedTo(typo.email);
    const later = newCredentials({ email: typo.email });
    expect((await api("POST", "/api/v1/user/signup", { body: later })).status).toBe(409);
    await ageCode(typo.email, 11 * 60_000);
    await expectStatus(200, "POST", "/api/v1/user/signup", { body: later });
    const code = await codeMailedTo(typo.email, 2);
    if (code !== oldCode) expect(await verify(typo.email, oldCode)).toMatchObject({ status: 400, body: { code: "code_mismatch" } });
    expect((await verify(typo.email, code)).status).toBe(200);
    expect((await login(typo.email, typo.password + "!")).status).toBe(401);
    expect((await login(typo.username, later.password)).status).toBe(401);
    const user = await logIn(later);
    expect(user.username).toBe(later.username);
    await ageCode(typo.email, 11 * 60_000);
    expect(await api("POST", "/api/v1/user/signup", { body: newCredentials({ email: typo.email }) })).toMatchObject({ status: 409, body: { code: "email_taken" } });
  });
});

describe("codes", () => {
  it("die after five wrong tries, even when tried at once", async () => {
    const { email } = await signUpUnverified();
    const code = await codeMailedTo(email);
    const tries = await Promise.all(Array.from({ length: 8 }, () => verify(email, wrong(code))));
    const codes = tries.map((answer) => answer.body["code"]);
    expect(codes.filter((slug) => slug === "code_mismatch")).toHaveLength(5);
    expect(codes.filter((slug) => slug === "code_expired")).toHaveLength(3);
    expect(await verify(email, code)).toMatchObject({ status: 400, body: { code: "code_expired" } });
  });

  it("expire, and a new one is mailed at most once a minute", async () => {
    const { email } = await signUpUnverified();
    const first = await codeMailedTo(email);
    const resend = () => expectStatus(200, "POST", "/api/v1/user/signup/resend-code", { body: { email } });
    const early = await resend();
    await wishesDone();
    expect(await mailsTo(email)).toHaveLength(1);

    await ageCode(email, 61_000);
    const [one, two] = await Promise.all([resend(), resend()]);
    const second = await codeMailedTo(email, 2);
    await wishesDone();
    expect(await mailsTo(email)).toHaveLength(2);
    if (first !== second) expect(await verify(email, first)).toMatchObject({ status: 400, body: { code: "code_mismatch" } });

    await ageCode(email, 10 * 60_000 + 1);
    expect(await verify(email, second)).toMatchObject({ status: 400, body: { code: "code_expired" } });
    await resend();
    expect((await verify(email, await codeMailedTo(email, 3))).status).toBe(200);

    const unknown = await expectStatus(200, "POST", "/api/v1/user/signup/resend-code", { body: { email: `${uniqueName()}@example.org` } });
    const verified = await resend();
    expect([one, two, unknown, verified]).toEqual([early, early, early, early]);
    await wishesDone();
    expect(await mailsTo(email)).toHaveLength(3);
  });

  it("tell nothing about unknown addresses", async () => {
    const stranger = await verify(`${uniqueName()}@example.org`, "123456");
    const { email } = await signUpUnverified();
    const known = await verify(email, wrong(await codeMailedTo(email)));
    const { request_id: _a, ...strangerBody } = stranger.body;
    const { request_id: _b, ...knownBody } = known.body;
    expect({ status: stranger.status, body: strangerBody }).toEqual({ status: known.status, body: knownBody });
  });
});

describe("signing in", () => {
  it("takes e-mail, user name and Matrix id, in any case", async () => {
    const user = await signUpUser();
    for (const alias of [user.email.toUpperCase(), user.username.toUpperCase(), ` ${user.matrixId} `]) {
      const { status, body } = await login(alias, user.password);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        success: true,
        expires_in: 3_600,
        token_type: "Bearer",
        matrix_recovery_key: null,
        user_profile: { id: user.userId, email: user.email, username: user.username, matrix_id: user.matrixId, display_name: "Test Badger", account_verified: true },
      });
    }
    const claims = JSON.parse(atob(String(user.idToken.split(".")[1]).replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
    expect(claims).toMatchObject({ token_use: "id", email: user.email, email_verified: true, aud: "sett" });
  });

  it("says what is wrong only to whoever knows the password", async () => {
    const unverified = await signUpUnverified();
    expect(await login(unverified.email, unverified.password)).toMatchObject({ status: 403, body: { code: "email_not_verified" } });
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET status = 'deactivated' WHERE id = ?").bind(user.userId).run();
    expect(await login(user.email, user.password)).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect(await api("GET", "/api/v1/user/profile", { token: user.accessToken })).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect(await refresh({ refresh_token: user.refreshToken, email: user.email })).toMatchObject({ status: 403, body: { code: "account_deactivated" } });

    const refusals = await Promise.all([login(unverified.email, "wrong password"), login(user.email, "wrong password"), login(`${uniqueName()}@example.org`, "wrong password"), login(uniqueName(), "wrong password"), login("@no:where", "wrong password")]);
    for (const { status, body, headers } of refusals) {
      expect({ status, code: body["code"], detail: body["detail"] }).toEqual({ status: 401, code: "invalid_credentials", detail: refusals[0]?.body["detail"] });
      expect(headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("limits tries against one name from many addresses", async () => {
    const name = uniqueName();
    const answers = await untilLimited(() => login(name, "wrong password"), 10);
    expect(answers.slice(0, -1).every((answer) => answer.status === 401)).toBe(true);
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(answers.at(-1)?.headers.get("retry-after")).toBe("60");
  });

  it("limits tries of one address against many names", async () => {
    const headers = { "cf-connecting-ip": uniqueIp() };
    const answers = await untilLimited(() => api("POST", "/api/v1/user/signup/verify", { headers, body: { email: `${uniqueName()}@example.org`, code: "123456" } }), 60);
    expect(answers.at(0)?.status).toBe(400);
    expect(answers.at(-1)?.status).toBe(429);
  });
});

describe("sessions", () => {
  it("are listed with their devices, refreshed, and revoked one by one", async () => {
    const user = await signUpUser();
    const phone = await logIn(user, { "x-device-name": "Ada's phone", "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605" });
    await logIn(user, { "user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0 Safari/537.36", "cf-connecting-ip": "10.1.2.3" });
    const list = () => expectStatus<{ sessions: Record<string, unknown>[] }>(200, "GET", "/api/v1/user/sessions", { token: user.accessToken });
    expect((await list()).sessions).toHaveLength(3);
    expect((await list()).sessions.find((session) => session["id"] === phone.sessionId)).toMatchObject({ device_name: "Ada's phone", platform: "ios" });
    expect((await list()).sessions.find((session) => session["ip_address"] === "10.1.2.3")).toMatchObject({ device_name: "Chrome on macos", platform: "macos" });

    const refreshed = await refresh({ refresh_token: phone.refreshToken, email: user.email.toUpperCase(), session_id: phone.sessionId });
    expect(refreshed).toMatchObject({ status: 200, body: { success: true, expires_in: 3_600, token_type: "Bearer" } });
    expect(refreshed.body["refresh_token"]).toBeUndefined();
    const again = String(refreshed.body["access_token"]);
    await expectStatus(200, "GET", "/api/v1/user/profile", { token: again });

    const revoke = (id: number | string, token = user.accessToken) => api("DELETE", `/api/v1/user/sessions/${id}`, { token });
    expect(await revoke(phone.sessionId)).toMatchObject({ status: 200, body: { success: true } });
    expect((await revoke(phone.sessionId)).status).toBe(200);
    expect((await list()).sessions).toHaveLength(2);
    expect(await refresh({ refresh_token: phone.refreshToken, email: user.email })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    // The access token lives out its hour.
    await expectStatus(200, "GET", "/api/v1/user/profile", { token: again });

    const stranger = await signUpUser();
    expect(await revoke(user.sessionId, stranger.accessToken)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await revoke(999_999_999)).status).toBe(404);
    expect((await revoke("abc")).status).toBe(422);
    expect((await auditActions(user.userId)).slice(-4)).toEqual(["session.create", "session.create", "session.refresh", "session.revoke"]);
  });

  it("refresh only for their own person and session, and until they end", async () => {
    const user = await signUpUser();
    const other = await signUpUser();
    const refused = { status: 401, body: { code: "invalid_credentials" } };
    expect(await refresh({ refresh_token: user.refreshToken, email: other.email })).toMatchObject(refused);
    expect(await refresh({ refresh_token: user.refreshToken, email: user.email, session_id: other.sessionId })).toMatchObject(refused);
    expect(await refresh({ refresh_token: "sett_rt_forged", email: user.email })).toMatchObject(refused);
    expect(await refresh({ refresh_token: user.accessToken, email: user.email })).toMatchObject(refused);

    const sub = (await DB.prepare("SELECT sub FROM users WHERE id = ?").bind(user.userId).first<{ sub: string }>())?.sub;
    expect((await refresh({ refresh_token: user.refreshToken, email: other.email, cognito_username: sub })).status).toBe(200);
    await DB.prepare("UPDATE sessions SET expires_at = ? WHERE id = ?").bind(Date.now() - 1, user.sessionId).run();
    expect(await refresh({ refresh_token: user.refreshToken, email: user.email })).toMatchObject({ status: 401, body: { code: "token_expired" } });
  });

  it("store no refresh token", async () => {
    const user = await signUpUser();
    const row = await DB.prepare("SELECT * FROM sessions WHERE id = ?").bind(user.sessionId).first();
    expect(JSON.stringify(row)).not.toContain(user.refreshToken);
  });
});

describe("signing out", () => {
  it("ends the session of the token when the body is absent, null or names nothing", async () => {
    const user = await signUpUser();
    for (const body of [undefined, null, {}, { device_token: "unknown" }]) {
      const device = await logIn(user);
      const out = await expectStatus(200, "POST", "/api/v1/user/logout", { token: device.accessToken, body });
      expect(out).toMatchObject({ success: true, user_email: user.email, matrix_id: user.matrixId, device_token_deactivated: false });
      expect(Date.parse(String(out["logout_timestamp"]))).toBeGreaterThan(Date.now() - 60_000);
      expect(await refresh({ refresh_token: device.refreshToken, email: user.email })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    }
    const profile = await expectStatus(200, "GET", "/api/v1/user/profile", { token: user.accessToken });
    expect(profile["last_signed_out_at"]).not.toBeNull();
  });

  it("ends what the body names and ignores what it does not know", async () => {
    const user = await signUpUser();
    const byToken = await logIn(user);
    const byId = await logIn(user);
    const stranger = await signUpUser();
    const logout = (body: unknown) => expectStatus(200, "POST", "/api/v1/user/logout", { token: user.accessToken, body });
    await logout({ refresh_token: byToken.refreshToken });
    await logout({ session_id: byId.sessionId });
    await logout({ refresh_token: stranger.refreshToken, session_id: stranger.sessionId });
    await logout({ refresh_token: "unknown", session_id: 999_999_999 });
    const statusOf = async (who: typeof user) => (await refresh({ refresh_token: who.refreshToken, email: who.email })).status;
    expect(await statusOf(byToken)).toBe(401);
    expect(await statusOf(byId)).toBe(401);
    expect(await statusOf(stranger)).toBe(200);
    expect(await statusOf(user)).toBe(200);
  });

  it("needs a token, and a person's", async () => {
    expect(await api("POST", "/api/v1/user/logout")).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect((await api("GET", "/api/v1/user/sessions", { token: "nonsense" })).status).toBe(401);
  });

  it("everywhere at once is immediate", async () => {
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET token_epoch = token_epoch + 1 WHERE id = ?").bind(user.userId).run();
    expect(await api("GET", "/api/v1/user/profile", { token: user.accessToken })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
  });
});

describe("open reads", () => {
  it("answer without a credential and reveal no value", async () => {
    expect(await expectStatus(200, "GET", "/")).toMatchObject({ status: "running" });
    expect(await expectStatus(200, "GET", "/health")).toMatchObject({ ok: true, status: "healthy", environment: "local", release: "dev" });
    expect(await expectStatus(200, "GET", "/health/db")).toEqual({ ok: true, database: "connected" });
    expect(await expectStatus(200, "GET", "/health/kms")).toMatchObject({ kms_client_initialized: true, encryption_test: "passed", status: "healthy" });
    expect(await expectStatus(200, "GET", "/health/redis")).toEqual({ ok: true, redis: "connected" });
    expect(await expectStatus(200, "GET", "/health/push")).toMatchObject({ status: "not_configured", sygnal_accessible: false });
    const jwks = await expectStatus<{ keys: Record<string, unknown>[] }>(200, "GET", "/.well-known/jwks.json");
    expect(jwks.keys[0]).toMatchObject({ kty: "EC", crv: "P-256", kid: "test-1", alg: "ES256", use: "sig" });
    expect(jwks.keys[0]).not.toHaveProperty("d");
  });

  it("know no version until somebody sets one", async () => {
    const path = "/api/v1/dashboard/versions/latest";
    expect(await expectStatus(200, "GET", path)).toEqual({ cli: "unknown", plugin: "unknown", supported_openclaw: "unknown", supported_hermes: "unknown" });
    await DB.prepare("INSERT INTO supported_versions (component, supported_version, updated_at) VALUES ('cli', '1.2.3', 0), ('hermes', '0.9.0', 0)").run();
    expect(await expectStatus(200, "GET", path)).toEqual({ cli: "1.2.3", plugin: "unknown", supported_openclaw: "unknown", supported_hermes: "0.9.0" });
  });

  it("show the local mailbox by recipient, newest first", async () => {
    const { email } = await signUpUnverified();
    await mailsTo(email);
    const answer = await send("GET", `/dev/mailbox?to=${encodeURIComponent(email.toUpperCase())}`);
    expect(await answer.json()).toMatchObject([{ to: email }]);
    const all = await expectStatus<{ sent_at: string }[]>(200, "GET", "/dev/mailbox");
    const times = all.map((mail) => mail.sent_at);
    expect(times).toEqual([...times].sort().reverse());
  });
});

describe("a deployment without a mail provider, or with a broken database", () => {
  /** One request to the worker under other bindings. */
  async function under(changed: Partial<Env>, method: string, path: string, body?: unknown) {
    const work: Promise<unknown>[] = [];
    const request = new Request(`${BASE_URL}${path}`, { method, headers: { "cf-connecting-ip": uniqueIp() }, body: body === undefined ? null : JSON.stringify(body) });
    const response = await fetchUnder(request, { ...bindings, ...changed }, { waitUntil: (promise) => void work.push(promise) });
    await Promise.all(work);
    return { status: response.status, body: await response.json<Record<string, unknown>>() };
  }

  it("signs nobody up and changes nothing", async () => {
    const credentials = newCredentials();
    const refused = { status: 503, body: { code: "dependency_unavailable" } };
    expect(await under({ ENVIRONMENT: "staging" }, "POST", "/api/v1/user/signup", credentials)).toMatchObject(refused);
    expect(await under({ ENVIRONMENT: "staging" }, "POST", "/api/v1/user/signup/resend-code", { email: credentials.email })).toMatchObject(refused);
    expect(await DB.prepare("SELECT id FROM users WHERE username = ?").bind(credentials.username).first()).toBeNull();
  });

  it("shows no mailbox outside the local environment", async () => {
    expect(await under({ ENVIRONMENT: "production" }, "GET", "/dev/mailbox")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("says 503 when D1 fails, and why not in public", async () => {
    const broken = { prepare: () => { throw new Error("D1_ERROR: secret host name"); } } as unknown as D1Database;
    const answer = await under({ DB: broken }, "GET", "/health/db");
    expect(answer).toMatchObject({ status: 503, body: { code: "dependency_unavailable", ok: false, database: "unavailable" } });
    expect(JSON.stringify(answer.body)).not.toContain("secret host");
    expect(await under({ DB: broken }, "GET", "/health")).toMatchObject({ status: 200 });
  });
});
