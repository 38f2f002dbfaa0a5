import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, mintToken, signUpUser, uniqueIp, type TestUser } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;
const CHAT = "/api/v1/assistant/chat";
const HOUR_MS = 3_600_000;
/** A model that nobody reaches from here. */
const MODEL: Partial<Env> = { LLM_BASE_URL: "https://model.test/v1", LLM_API_KEY: "sk-secret", LLM_MODEL: "badger-1" };

const hello = { messages: [{ role: "user", content: "hello" }] };

async function ask(user: TestUser, changed: Partial<Env> = MODEL, body: unknown = hello, path = CHAT, signal?: AbortSignal) {
  const request = new Request(`${BASE_URL}${path}`, { ...(signal && { signal }), method: path === CHAT ? "POST" : "GET", headers: { "cf-connecting-ip": uniqueIp(), authorization: `Bearer ${user.accessToken}` }, body: path === CHAT ? JSON.stringify(body) : null });
  const response = await fetchUnder(request, { ...bindings, ...changed }, { waitUntil: () => undefined });
  return { status: response.status, headers: response.headers, body: await response.json<Record<string, unknown>>() };
}

const turnsOf = async (user: TestUser) => (await DB.prepare("SELECT count(*) AS n FROM assistant_turns WHERE tenant_id = ?").bind(user.userId).first<{ n: number }>())?.n;

async function seedTurns(user: TestUser, count: number, at: number): Promise<void> {
  await DB.batch(Array.from({ length: count }, (_, i) => DB.prepare("INSERT INTO assistant_turns (id, tenant_id, created_at) VALUES (?, ?, ?)").bind(crypto.randomUUID(), user.userId, at + i)));
}

describe("the assistant", () => {
  it("is absent until a model is configured", async () => {
    const user = await signUpUser();
    expect(await api("POST", CHAT, { token: user.accessToken, body: hello })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await turnsOf(user)).toBe(0);
  });

  it("is for people", async () => {
    const { token } = await mintToken(await signUpUser());
    expect((await api("POST", CHAT, { token, body: hello })).status).toBe(403);
    expect((await api("POST", CHAT, { body: hello })).status).toBe(401);
  });

  it("takes conversations of bounded length that hold a question", async () => {
    const user = await signUpUser();
    const message = (content: string, role = "user") => ({ role, content });
    const refused = [{}, { messages: [] }, { messages: Array.from({ length: 21 }, () => message("x")) }, { messages: [message("x".repeat(8_001))] }, { messages: [message("")] }, { messages: [message("x", "tool")] }, { messages: [message("x", "system")] }];
    for (const body of refused) expect((await ask(user, MODEL, body)).status, JSON.stringify(body).slice(0, 80)).toBe(422);
    expect(await turnsOf(user)).toBe(0);
    // The longest that fits is let through, as far as the model that is not there.
    expect((await ask(user, MODEL, { messages: Array.from({ length: 20 }, () => message("蜜".repeat(8_000))) })).status).toBe(503);
  });

  it("says 503 while the model is down, tells no secret, and does not count the question", async () => {
    const user = await signUpUser();
    const answer = await ask(user);
    expect(answer).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(answer.headers.get("retry-after")).toBe("30");
    expect(JSON.stringify(answer.body)).not.toMatch(/sk-secret|model\.test|badger-1/);
    expect(await turnsOf(user)).toBe(0);
    const audited = await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE tenant_id = ? AND action = 'assistant.chat'").bind(user.userId).first<{ n: number }>();
    expect(audited?.n).toBe(1);
  });

  it("takes exactly twenty questions in any hour, each person's own", async () => {
    const user = await signUpUser();
    const now = Date.now();
    await seedTurns(user, 5, now - 2 * HOUR_MS);
    await seedTurns(user, 19, now - HOUR_MS + 600_000);
    expect((await ask(user)).status).toBe(503);
    expect(await turnsOf(user)).toBe(19);
    await seedTurns(user, 1, now);
    const refused = await ask(user);
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    const wait = Number(refused.headers.get("retry-after"));
    expect(wait).toBeGreaterThan(590);
    expect(wait).toBeLessThanOrEqual(601);
    expect(await turnsOf(user)).toBe(20);
    expect((await ask(await signUpUser())).status).toBe(503);
  });

  it("counts a question whose caller left before the answer", async () => {
    const user = await signUpUser();
    const caller = new AbortController();
    const answer = ask(user, MODEL, hello, CHAT, caller.signal);
    caller.abort();
    expect(await answer).toMatchObject({ status: 499, body: { code: "client_gone" } });
    expect(await turnsOf(user)).toBe(1);
  });

  it("needs an address and a model, and options that are an object", async () => {
    const user = await signUpUser();
    const broken: Partial<Env>[] = [{ LLM_API_KEY: "x" }, { ...MODEL, LLM_MODEL: "" }, { ...MODEL, LLM_BASE_URL: "model.test" }, { ...MODEL, LLM_BASE_URL: "https://user:pass@model.test" }, { ...MODEL, LLM_OPTIONS: "[]" }, { ...MODEL, LLM_TIMEOUT_SECONDS: "0" }];
    for (const changed of broken) expect(await ask(user, changed, null, "/health")).toMatchObject({ status: 500, body: { code: "bad_environment" } });
  });
});
