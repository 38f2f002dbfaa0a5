import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, expectStatus, mintToken, signUpUser, uniqueIp, BASE_URL, type TestUser } from "../../support/client";

const { DB } = env as unknown as { DB: D1Database };

const AUTH = "/api/v1/openclaw/cli/auth";
const PENDING = { status: 200, body: { status: "pending" } };
const REFUSED = { status: 400, body: { code: "verifier_mismatch" } };

const base64Url = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** A verifier and its S256 challenge, made the way CLIs make them. */
async function newProof(): Promise<{ verifier: string; code: string }> {
  const verifier = base64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { verifier, code: base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)))) };
}

const start = (code: string) => api("POST", `${AUTH}/start`, { body: { code_challenge: code, code_challenge_method: "S256" } });
const poll = (code: string, verifier?: string) => api("POST", `${AUTH}/poll/${code}`, verifier === undefined ? {} : { body: { code_verifier: verifier } });
const peek = (code: string) => api("GET", `${AUTH}/poll/${code}`);
const callback = (user: TestUser, code: string, accessToken = user.accessToken) => api("POST", `${AUTH}/callback`, { token: user.accessToken, body: { code, access_token: accessToken } });
const age = (code: string, column: "expires_at" | "first_polled_at", ms: number) => DB.prepare(`UPDATE cli_logins SET ${column} = ${column} - ? WHERE code = ?`).bind(ms, code).run();

const today = () => new Date().toISOString().slice(0, 10);

describe("a CLI that starts", () => {
  it("waits, gets its token once the browser confirmed, and can ask again for a minute", async () => {
    const user = await signUpUser();
    const { verifier, code } = await newProof();
    expect(await start(code)).toMatchObject({ status: 200, body: { code, auth_url: `${BASE_URL}/cli-auth?code=${code}` } });
    for (const waiting of [await poll(code, verifier), await poll(code), await peek(code)]) expect(waiting).toMatchObject(PENDING);

    expect(await callback(user, code)).toMatchObject({ status: 200, body: { success: true } });
    expect(await peek(code)).toMatchObject(REFUSED);
    expect(await poll(code)).toMatchObject(REFUSED);
    expect(await poll(code, "not-the-verifier")).toMatchObject(REFUSED);

    const done = await poll(code, verifier);
    expect(done.status).toBe(200);
    expect(Object.keys(done.body).sort()).toEqual(["access_token", "expires_at", "instance_id", "status", "user_id"]);
    expect(done.body).toMatchObject({ status: "complete", user_id: user.matrixId, instance_id: null });
    expect(done.body["access_token"]).toMatch(/^sett_cli_[A-Za-z0-9_.-]+$/);
    const days = (Date.parse(String(done.body["expires_at"])) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThanOrEqual(90);

    const again = await Promise.all([poll(code, verifier), poll(code, verifier)]);
    expect(again.map((answer) => answer.body)).toEqual([done.body, done.body]);
    await age(code, "first_polled_at", 60_000);
    expect(await poll(code, verifier)).toMatchObject(PENDING);

    const tokens = await expectStatus<Record<string, unknown>[]>(200, "GET", "/api/v1/user/cli-tokens", { token: user.accessToken });
    expect(tokens).toMatchObject([{ name: `cli-${today()}`, status: "active", scopes: ["cli"], expires_at: done.body["expires_at"] }]);
    const stored = await DB.prepare("SELECT sealed_token FROM cli_logins WHERE code = ?").bind(code).first<{ sealed_token: string }>();
    expect(stored?.sealed_token).not.toContain(String(done.body["access_token"]));
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE subject_id = ? ORDER BY id").bind(code).all<{ action: string }>();
    expect(results.map((row) => row.action)).toEqual(["cli_login.start", "cli_login.complete", "cli_login.poll"]);
  });

  it("picks up the same token however many polls race", async () => {
    const user = await signUpUser();
    const { verifier, code } = await newProof();
    await start(code);
    await callback(user, code);
    const answers = await Promise.all(Array.from({ length: 5 }, () => poll(code, verifier)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers[0]?.body["status"]).toBe("complete");
  });

  it("may start again before it is confirmed, not afterwards", async () => {
    const user = await signUpUser();
    const { code } = await newProof();
    await start(code);
    await age(code, "expires_at", 10 * 60_000);
    expect((await start(code)).status).toBe(200);
    expect((await callback(user, code)).status).toBe(200);
    expect(await start(code)).toMatchObject({ status: 409, body: { code: "code_already_used" } });
  });

  it("must use S256 with a challenge of 32 bytes", async () => {
    const { code } = await newProof();
    expect((await api("POST", `${AUTH}/start`, { body: { code_challenge: code, code_challenge_method: "plain" } })).status).toBe(422);
    expect((await api("POST", `${AUTH}/start`, { body: { code_challenge: "short", code_challenge_method: "S256" } })).status).toBe(422);
    expect((await api("POST", `${AUTH}/start`, { body: {} })).status).toBe(422);
  });
});

describe("a CLI that never starts (0.1.13)", () => {
  it("polls an unknown code with its verifier until the browser brings the code", async () => {
    const user = await signUpUser();
    const { verifier, code } = await newProof();
    const legacyPoll = () => api("POST", `${AUTH}/poll/${code}`, { body: { code_verifier: verifier, code_challenge: code } });
    expect(await legacyPoll()).toMatchObject(PENDING);
    expect(await peek(code)).toMatchObject(REFUSED);
    expect(await poll(code)).toMatchObject(REFUSED);
    expect((await callback(user, code)).status).toBe(200);
    expect(await peek(code)).toMatchObject(REFUSED);
    expect(await poll(code)).toMatchObject(REFUSED);
    const done = await legacyPoll();
    expect(done.body).toMatchObject({ status: "complete", user_id: user.matrixId });
    // What the published CLI does with the answer.
    expect(String(done.body["user_id"]).match(/^@([^:]+):/)?.[1]).toBe(user.username);
    expect(Number.isNaN(new Date(String(done.body["expires_at"])).getTime())).toBe(false);
  });

  it("may poll every two seconds, several at a time, without meeting a limit", async () => {
    const headers = { "cf-connecting-ip": uniqueIp() };
    const { verifier, code } = await newProof();
    const path = `${AUTH}/poll/${code}`;
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => api("POST", path, { headers, body: { code_verifier: verifier } })));
      expect(answers.every((answer) => answer.status === 200)).toBe(true);
    }
  });
});

describe("the browser's confirmation", () => {
  it("works once per code, whoever repeats it", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const { verifier, code } = await newProof();
    const answers = await Promise.all([callback(user, code), callback(other, code), callback(user, code)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
    const replay = await callback(other, code);
    expect(replay).toMatchObject({ status: 409, body: { code: "code_already_used" } });
    expect((await poll(code, verifier)).body["status"]).toBe("complete");
    const { results } = await DB.prepare("SELECT count(*) AS n FROM cli_tokens WHERE tenant_id IN (?, ?)").bind(user.userId, other.userId).all<{ n: number }>();
    expect(results[0]?.n).toBe(1);
  });

  it("must carry the caller's own access token", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const { code } = await newProof();
    const mismatch = { status: 403, body: { code: "token_mismatch" } };
    expect(await callback(user, code, other.accessToken)).toMatchObject(mismatch);
    expect(await callback(user, code, "nonsense")).toMatchObject(mismatch);
    const cli = await mintToken(user);
    expect(await callback(user, code, cli.token)).toMatchObject(mismatch);
    expect(await api("POST", `${AUTH}/callback`, { body: { code, access_token: user.accessToken } })).toMatchObject({ status: 401 });
    expect(await api("POST", `${AUTH}/callback`, { token: cli.token, body: { code, access_token: cli.token } })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await api("POST", `${AUTH}/callback`, { token: user.accessToken, body: { code } })).status).toBe(422);
    expect((await api("POST", `${AUTH}/callback`, { token: user.accessToken, body: { code: "x y", access_token: user.accessToken } })).status).toBe(422);
    expect((await callback(user, code)).status).toBe(200);
  });

  it("comes too late after ten minutes, and so does the poll", async () => {
    const user = await signUpUser();
    const late = await newProof();
    await start(late.code);
    await age(late.code, "expires_at", 10 * 60_000);
    expect(await callback(user, late.code)).toMatchObject({ status: 400, body: { code: "code_expired" } });
    expect(await poll(late.code, late.verifier)).toMatchObject(PENDING);

    const unfetched = await newProof();
    await callback(user, unfetched.code);
    await age(unfetched.code, "expires_at", 10 * 60_000);
    expect(await poll(unfetched.code, unfetched.verifier)).toMatchObject(PENDING);
    expect((await callback(user, unfetched.code)).status).toBe(409);
  });

  it("gives each login of a day its own token name", async () => {
    const user = await signUpUser();
    for (let i = 0; i < 3; i++) expect((await callback(user, (await newProof()).code)).status).toBe(200);
    const many = await Promise.all([1, 2].map(async () => (await callback(user, (await newProof()).code)).status));
    expect(many).toEqual([200, 200]);
    const tokens = await expectStatus<{ name: string }[]>(200, "GET", "/api/v1/user/cli-tokens", { token: user.accessToken });
    const base = `cli-${today()}`;
    expect(tokens.map((token) => token.name).sort()).toEqual([base, `${base}-2`, `${base}-3`, `${base}-4`, `${base}-5`]);
  });
});

it("treats codes that cannot be ours like unstarted ones", async () => {
  const { verifier } = await newProof();
  expect(await poll("x".repeat(43), verifier)).toMatchObject(REFUSED);
  expect(await peek("nonsense")).toMatchObject(REFUSED);
  expect((await api("POST", `${AUTH}/poll/nonsense`, { body: { code_verifier: 7 } })).status).toBe(422);
});
