import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { fleet } from "../../../src/fleet";
import type { Operation } from "../../../src/kernel/operation";
import { api, BASE_URL, expectStatus, logIn, mailsTo, mintToken, signUpUnverified, signUpUser, uniqueIp, uniqueName, type TestUser } from "../../support/client";
import { registerMachine, StreamClient } from "../../support/machines";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;

const login = (username: string, password: string) => api("POST", "/api/v1/user/login", { body: { username, password } });
const refresh = (user: TestUser) => api("POST", "/api/v1/user/token/refresh", { body: { refresh_token: user.refreshToken, email: user.email } });
const profile = (token: string) => api("GET", "/api/v1/user/profile", { token });
const forgot = (email: string) => expectStatus(200, "POST", "/api/v1/user/forgot-password", { body: { email } });
const reset = (email: string, code: string, new_password: string) => api("POST", "/api/v1/user/reset-password", { body: { email, code, new_password } });
const wrong = (code: string) => (code === "000000" ? "000001" : "000000");

/** The mailed reset code; other mails may lie around it. */
async function resetCodeOf(email: string, atLeast = 1): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const mails = (await mailsTo(email)).filter((mail) => /reset code/.test(mail.subject));
    const code = /\b(\d{6})\b/.exec(mails[0]?.subject ?? "")?.[1];
    if (mails.length >= atLeast && code) return code;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no reset code came to ${email}`);
}

async function subjectsTo(email: string, atLeast: number): Promise<string[]> {
  return (await mailsTo(email, atLeast)).map((mail) => mail.subject.replace(/\d{6}/, "CODE"));
}

async function auditActions(tenantId: number): Promise<string[]> {
  const { results } = await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? ORDER BY id").bind(tenantId).all<{ action: string }>();
  return results.map((row) => row.action);
}

/** Asks under other bindings. */
async function under(changed: Partial<Env>, method: string, path: string, options: { body?: unknown; token?: string } = {}) {
  const work: Promise<unknown>[] = [];
  const headers = new Headers({ "cf-connecting-ip": uniqueIp(), ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }) });
  const request = new Request(`${BASE_URL}${path}`, { method, headers, body: options.body === undefined ? null : JSON.stringify(options.body) });
  const response = await fetchUnder(request, { ...bindings, ...changed }, { waitUntil: (promise) => void work.push(promise) });
  await Promise.all(work);
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
}

describe("two phones, one account", () => {
  it("live and end apart, and together when their owner wishes", async () => {
    const user = await signUpUser();
    const ios = { "x-device-name": "Ada's iPhone", "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)" };
    const android = { "x-device-name": "Ada's Pixel", "user-agent": "Mozilla/5.0 (Linux; Android 16)" };
    const one = await logIn(user, ios);
    const two = await logIn(user, android);
    // One notice per unseen device; the third sign-in is from a known one.
    await logIn(user, android);
    expect((await subjectsTo(user.email, 3)).filter((subject) => subject.startsWith("New sign-in"))).toHaveLength(2);

    await expectStatus(200, "POST", "/api/v1/user/logout", { token: one.accessToken });
    expect(await refresh(one)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect((await profile(one.accessToken)).status).toBe(200); // its access token lives out its hour
    expect((await refresh(two)).status).toBe(200);

    await expectStatus(200, "DELETE", `/api/v1/user/sessions/${two.sessionId}`, { token: user.accessToken });
    expect(await refresh(two)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect((await profile(two.accessToken)).status).toBe(200);

    const again = await logIn(user, ios);
    const live = await StreamClient.open("/api/v1/dashboard/events", again.accessToken);
    await live.next();
    const { revoked_sessions: revoked } = await expectStatus(200, "POST", "/api/v1/user/sessions/revoke-all", { token: again.accessToken });
    expect(revoked).toBe(3);
    while ((await live.next()) !== null) continue; // an open page ends with its session
    for (const phone of [user, one, two, again]) {
      expect(await profile(phone.accessToken)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
      expect(await refresh(phone)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    }
    const fresh = await logIn(user, ios);
    expect((await profile(fresh.accessToken)).status).toBe(200);
    expect((await auditActions(user.userId)).slice(-2)).toEqual(["session.revoke_all", "session.create"]);
  });
});

describe("a forgotten password", () => {
  it("is replaced with the mailed code, which ends every session and tells the owner", async () => {
    const user = await signUpUser();
    const phone = await logIn(user);
    await forgot(user.email.toUpperCase());
    const code = await resetCodeOf(user.email);
    const stored = await DB.prepare("SELECT code_hash, expires_at - sent_at AS life FROM one_time_codes WHERE tenant_id = ? AND purpose = 'reset_password'").bind(user.userId).first<{ code_hash: string; life: number }>();
    expect(stored).toMatchObject({ code_hash: expect.stringMatching(/^[0-9a-f]{64}$/), life: 3_600_000 });

    expect(await reset(user.email, wrong(code), "a brand new password")).toMatchObject({ status: 400, body: { code: "code_mismatch" } });
    expect(await reset(user.email, code, "a brand new password")).toMatchObject({ status: 200 });
    for (const session of [user, phone]) {
      expect(await profile(session.accessToken)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
      expect(await refresh(session)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    }
    expect((await login(user.email, user.password)).status).toBe(401);
    expect((await login(user.email, "a brand new password")).status).toBe(200);
    expect(await reset(user.email, code, "yet another password")).toMatchObject({ status: 400, body: { code: "code_mismatch" } });
    expect(await subjectsTo(user.email, 3)).toContain("Your Sett password was changed");
    expect((await auditActions(user.userId)).filter((action) => action.startsWith("password."))).toEqual(["password.send_reset_code", "password.reset"]);
  });

  it("gets five tries and an hour", async () => {
    const user = await signUpUser();
    await forgot(user.email);
    const code = await resetCodeOf(user.email);
    const tries = await Promise.all(Array.from({ length: 5 }, () => reset(user.email, wrong(code), "a brand new password")));
    expect(tries.every((answer) => answer.status === 400)).toBe(true);
    expect((await reset(user.email, code, "a brand new password")).status).toBe(400);

    const late = await signUpUser();
    await forgot(late.email);
    const lateCode = await resetCodeOf(late.email);
    await DB.prepare("UPDATE one_time_codes SET expires_at = ? WHERE tenant_id = ?").bind(Date.now() - 1, late.userId).run();
    expect(await reset(late.email, lateCode, "a brand new password")).toMatchObject({ status: 400, body: { code: "code_mismatch" } });
    expect((await login(late.email, late.password)).status).toBe(200);
  });

  it("tells nobody whether an address has an account", async () => {
    const user = await signUpUser();
    const unverified = await signUpUnverified();
    const stranger = `${uniqueName()}@example.org`;
    expect([await forgot(stranger), await forgot(unverified.email)]).toEqual([await forgot(user.email), await forgot(user.email)]);
    await resetCodeOf(user.email);
    // The second wish fell into the minute after the first.
    expect((await subjectsTo(user.email, 1)).filter((subject) => /reset/.test(subject))).toHaveLength(1);
    expect((await subjectsTo(unverified.email, 1)).filter((subject) => /reset/.test(subject))).toHaveLength(0);

    const answers = [];
    for (let tries = 0; tries < 7; tries++) answers.push(await reset(user.email, "abcdef", "a brand new password"), await reset(stranger, "abcdef", "a brand new password"));
    const bodies = answers.map(({ status, body }) => JSON.stringify({ status, ...body, request_id: null }));
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("passwords", () => {
  it.each(["password1", "Password1!!", "QWERTYUIOP", "letmein123", "iloveyou1"])("on lists of leaked ones are none: %s", async (password) => {
    const username = uniqueName();
    const answer = await api("POST", "/api/v1/user/signup", { body: { name: "Ada", email: `${username}@example.org`, username, password } });
    expect(answer).toMatchObject({ status: 422, body: { code: "validation_error", detail: [{ loc: ["body", "password"], type: "password_leaked" }] } });
  });

  it("are held to the same rules when replaced", async () => {
    const user = await signUpUser();
    await forgot(user.email);
    const code = await resetCodeOf(user.email);
    for (const password of ["football1", user.username, "zzzzzzzz"]) {
      expect(await reset(user.email, code, password)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "new_password"] }] } });
    }
  });
});

describe("lock-outs", () => {
  const newestFailures = () => DB.prepare("SELECT failures FROM password_tries ORDER BY updated_at DESC LIMIT 1").first<number>("failures");
  /** Brings a name near its lock without passing the limiter of its address. */
  const setFailures = (from: number, count: number) => DB.prepare("UPDATE password_tries SET failures = ?1, locked_until = 0 WHERE failures = ?2 AND updated_at = (SELECT max(updated_at) FROM password_tries)").bind(count, from).run();

  it("grow with each wrong try, name by name, and end with the right password", async () => {
    const user = await signUpUser();
    expect((await login(user.email, "wrong password")).status).toBe(401);
    await setFailures(1, 9);
    expect((await login(user.email, "wrong password")).status).toBe(401);
    const locked = await login(user.email, user.password);
    expect(locked).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(Number(locked.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect(await newestFailures()).toBe(10);

    await setFailures(10, 13);
    expect((await login(user.email, "wrong password")).status).toBe(401);
    const longer = await login(user.email, user.password);
    expect(Number(longer.headers.get("retry-after"))).toBeGreaterThan(15 * 60);
    expect(Number(longer.headers.get("retry-after"))).toBeLessThanOrEqual(16 * 60);
    expect((await refresh(user)).status).toBe(200); // who is signed in stays so

    await setFailures(14, 12);
    expect((await login(user.email, user.password)).status).toBe(200);
    const left = await DB.prepare("SELECT count(*) AS n FROM password_tries WHERE failures >= 12").first<{ n: number }>();
    expect(left?.n).toBe(0);
  });

  it("look the same for names that nobody has, and spare the neighbour", async () => {
    const name = uniqueName();
    expect((await login(name, "wrong password")).status).toBe(401);
    await setFailures(1, 9);
    expect((await login(name, "wrong password")).status).toBe(401);
    const unknown = await login(name, "wrong password");
    const user = await signUpUser();
    expect((await login(user.username, "wrong password")).status).toBe(401);
    await setFailures(1, 9);
    expect((await login(user.username, "wrong password")).status).toBe(401);
    const known = await login(user.username, user.password);
    expect({ status: known.status, detail: known.body["detail"], code: known.body["code"] }).toEqual({ status: 429, detail: unknown.body["detail"], code: unknown.body["code"] });
    // Its Matrix id is the same name; its address is another.
    expect((await login(user.matrixId, user.password)).status).toBe(429);
    expect((await login(user.email, user.password)).status).toBe(200);
    const neighbour = await signUpUser();
    expect((await login(neighbour.username, neighbour.password)).status).toBe(200);
  });

  it("are lifted by a new password", async () => {
    const user = await signUpUser();
    expect((await login(user.username, "wrong password")).status).toBe(401);
    await setFailures(1, 9);
    expect((await login(user.username, "wrong password")).status).toBe(401);
    expect((await login(user.username, user.password)).status).toBe(429);
    await forgot(user.email);
    expect((await reset(user.email, await resetCodeOf(user.email), "a brand new password")).status).toBe(200);
    expect((await login(user.username, "a brand new password")).status).toBe(200);
  });
});

describe("the end of an account", () => {
  it.each([
    ["delete-account", "account.delete", "deleted_by_owner"],
    ["self-deactivate", "account.deactivate", "deactivated_by_owner"],
  ])("%s takes everything that opened it", async (path, action, deletionStatus) => {
    const user = await signUpUser();
    const { token, id } = await mintToken(user);
    const instanceId = await registerMachine(user, {}, token);
    const beat = () => api("POST", "/api/v1/dashboard/heartbeat", { token, body: { instance_id: instanceId, bots: [] } });
    expect((await beat()).status).toBe(200);
    await expectStatus(200, "POST", "/api/v1/push/register", { token: user.accessToken, body: { device_token: uniqueName("device"), platform: "ios" } });
    await expectStatus(201, "POST", `/api/v1/user/${user.userId}/recovery-key`, { token: user.accessToken, body: { recovery_key: "secret", device_id: "A" } });

    const end = (password: string) => api("POST", `/api/v1/user/${path}`, { token: user.accessToken, body: { password } });
    expect(await end("wrong password")).toMatchObject({ status: 403, body: { code: "wrong_password" } });
    expect((await profile(user.accessToken)).status).toBe(200);
    expect(await end(user.password)).toMatchObject({ status: 200, body: { success: true } });

    expect(await profile(user.accessToken)).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect((await refresh(user)).status).toBe(401);
    expect(await login(user.email, user.password)).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect((await api("GET", "/api/v1/openclaw/status", { token })).status).toBe(401);
    for (let tries = 0; (await beat()).status === 200; tries++) {
      expect(tries).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await beat()).toMatchObject({ status: 401, body: { code: "token_revoked" } });

    const row = await DB.prepare("SELECT status, deletion_status, deleted_at, token_epoch FROM users WHERE id = ?").bind(user.userId).first();
    expect(row).toMatchObject({ status: "deleted", deletion_status: deletionStatus, deleted_at: expect.any(Number), token_epoch: 1 });
    expect(await DB.prepare("SELECT revoked_at FROM cli_tokens WHERE id = ?").bind(id).first()).toMatchObject({ revoked_at: expect.any(Number) });
    expect(await DB.prepare("SELECT 1 FROM recovery_keys WHERE tenant_id = ?").bind(user.userId).first()).toBeNull();
    expect(await DB.prepare("SELECT is_active FROM push_devices WHERE tenant_id = ?").bind(user.userId).first()).toMatchObject({ is_active: 0 });
    expect(await auditActions(user.userId)).toContain(action);
    expect(await api("POST", "/api/v1/user/signup", { body: { name: "Eve", email: user.email, username: uniqueName(), password: "correct horse battery" } })).toMatchObject({ status: 409 });
    await forgot(user.email);
    expect((await subjectsTo(user.email, 1)).some((subject) => /reset/.test(subject))).toBe(false);
  });

  it("counts wrong passwords", async () => {
    const user = await signUpUser();
    const end = () => api("POST", "/api/v1/user/delete-account", { token: user.accessToken, body: { password: "wrong password" } });
    const answers = [];
    while (answers.length < 21 && answers.at(-1) !== 429) answers.push((await end()).status);
    expect(answers.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 403));
    expect(answers.at(-1)).toBe(429);
    expect((await profile(user.accessToken)).status).toBe(200);
  });
});

describe("signing keys", () => {
  it("rotate without signing anybody out", async () => {
    const user = await signUpUser();
    const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])) as CryptoKeyPair;
    const { kty, crv, x, y, d } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
    const ring = JSON.stringify([{ kty, crv, x, y, d, kid: "test-2" }, ...(JSON.parse(bindings.SIGNING_KEYS ?? "[]") as unknown[])]);
    const rotated = { SIGNING_KEYS: ring };
    const kidOf = (token: string) => (JSON.parse(atob(String(token.split(".")[0]).replaceAll("-", "+").replaceAll("_", "/"))) as { kid: string }).kid;
    expect(kidOf(user.accessToken)).toBe("test-1");
    expect((await under(rotated, "GET", "/api/v1/user/profile", { token: user.accessToken })).status).toBe(200);
    const refreshed = await under(rotated, "POST", "/api/v1/user/token/refresh", { body: { refresh_token: user.refreshToken, email: user.email } });
    expect(kidOf(String(refreshed.body["access_token"]))).toBe("test-2");
    // Before the rotation nobody knows the new key.
    expect((await profile(String(refreshed.body["access_token"]))).status).toBe(401);
    expect((await under(rotated, "GET", "/api/v1/user/profile", { token: String(refreshed.body["access_token"]) })).status).toBe(200);
    const { body } = await under(rotated, "GET", "/.well-known/jwks.json");
    expect((body["keys"] as { kid: string; d?: string }[]).map(({ kid, d: secret }) => [kid, secret])).toEqual([["test-2", undefined], ["test-1", undefined]]);
  });
});

describe("sign-in to the homeserver", () => {
  const body = { username: "ada", password: "secret password" };
  it("needs one that answers", async () => {
    expect(await api("POST", "/api/v1/auth/matrix-login", { body })).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    const answer = await under({ MATRIX_BASE_URL: "http://matrix.invalid", MATRIX_SERVER_NAME: "sett.localhost" }, "POST", "/api/v1/auth/matrix-login", { body });
    expect(answer).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(JSON.stringify(answer.body)).not.toContain("secret password");
  });
});

const credentialOperations = (await Promise.all(fleet.features.map(async (feature) => (await feature.load()).operations))).flat().filter(({ spec }) => spec.limit === "credential");

/** A request of each that counts against `name`; null where no name is tried, only addresses of callers. */
const TRIED: Readonly<Record<string, ((name: string) => unknown) | null>> = {
  "fleet.accounts.create": (name) => ({ name: "A", email: `${name}@example.org`, username: "abcde", password: "password" }),
  "fleet.accounts.verify": (name) => ({ email: `${name}@example.org`, code: "123456" }),
  "fleet.accounts.sendCode": (name) => ({ email: `${name}@example.org` }),
  "fleet.accounts.checkUsername": null,
  "fleet.accounts.checkEmail": null,
  "fleet.accounts.checkPhone": null,
  "fleet.accounts.delete": () => ({ password: "wrong password" }),
  "fleet.accounts.deactivate": () => ({ password: "wrong password" }),
  "fleet.sessions.create": (name) => ({ username: name, password: "wrong password" }),
  "fleet.sessions.refresh": (name) => ({ refresh_token: "none", email: `${name}@example.org` }),
  "fleet.admin-sessions.create": (name) => ({ email: `${name}@example.org`, password: "wrong password" }),
  "fleet.admin-sessions.refresh": (name) => ({ refresh_token: "none", email: `${name}@example.org` }),
  "fleet.passwords.forgot": (name) => ({ email: `${name}@example.org` }),
  "fleet.passwords.reset": (name) => ({ email: `${name}@example.org`, code: "123456", new_password: "correct horse battery" }),
  "fleet.matrix-login.create": (name) => ({ username: name, password: "wrong password" }),
  "fleet.pairings.redeem": null,
  "fleet.cli-logins.start": (name) => ({ code_challenge: name.padEnd(43, "a").slice(0, 43), method: "S256" }),
  "fleet.cli-logins.complete": (name) => ({ code: name.padEnd(43, "a").slice(0, 43), access_token: "none" }),
};

describe("limits of credentials", () => {
  const PER_NAME = 10;
  const PER_ADDRESS = 60;
  const call = (spec: Operation["spec"], body: unknown, token: string | undefined, ip = uniqueIp()) =>
    api(spec.method.toUpperCase(), spec.path, { body: spec.method === "get" ? undefined : body, token, headers: { "cf-connecting-ip": ip } });
  /** Statuses up to the first 429. Twice the limit, since the window may turn over meanwhile. */
  async function untilLimited(limit: number, request: () => Promise<{ status: number }>): Promise<number[]> {
    const statuses: number[] = [];
    while (statuses.length <= 2 * limit && statuses.at(-1) !== 429) statuses.push((await request()).status);
    return statuses;
  }

  it("are known for every such operation", () => {
    expect(credentialOperations.map(({ spec }) => spec.id).sort()).toEqual(Object.keys(TRIED).sort());
    for (const { spec } of credentialOperations) expect(spec.limitBy !== undefined, spec.id).toBe(TRIED[spec.id] !== null);
  });

  it.each(credentialOperations.filter(({ spec }) => spec.limitBy).map(({ spec }) => [spec.id, spec] as const))("%s: tries against one name stop, a neighbour's go on", async (_, spec) => {
    const owned = spec.auth.includes("user");
    const user = owned ? await signUpUser() : null;
    const name = uniqueName();
    const body = TRIED[spec.id];
    const statuses = await untilLimited(PER_NAME, () => call(spec, body?.(name), user?.accessToken));
    expect(statuses.length).toBeGreaterThan(PER_NAME);
    expect(statuses.at(-1)).toBe(429);
    const neighbour = owned ? await signUpUser() : null;
    expect((await call(spec, body?.(uniqueName()), neighbour?.accessToken)).status).not.toBe(429);
  });

  it.each(credentialOperations.map(({ spec }) => [spec.id, spec] as const))("%s: one address against many names stops, its neighbour goes on", async (_, spec) => {
    const ip = uniqueIp();
    // Counted before anything else, so an empty request counts too.
    const statuses = await untilLimited(PER_ADDRESS, () => call(spec, {}, undefined, ip));
    expect(statuses.length).toBeGreaterThan(PER_ADDRESS);
    expect(statuses.at(-1)).toBe(429);
    expect((await call(spec, {}, undefined)).status).not.toBe(429);
  });
});
