import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, mailsTo, mintToken, newCredentials, signUpUser, uniqueIp } from "../../support/client";
import { insertSubscription, setPlan, setTrialEnd } from "../../support/plans";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;
const STATUS = "/api/v1/trial/status";
const VALIDATE = "/api/v1/device-check/validate";

/** A key of Apple's form whose service nobody reaches from here. */
const { privateKey } = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])) as CryptoKeyPair;
const pkcs8 = new Uint8Array((await crypto.subtle.exportKey("pkcs8", privateKey)) as ArrayBuffer);
const APPLE: Partial<Env> = { APPLE_TEAM_ID: "TEAM123456", APPLE_KEY_ID: "KEY1234567", APPLE_PRIVATE_KEY: btoa(String.fromCharCode(...pkcs8)) };

async function under(changed: Partial<Env>, method: string, path: string, token: string | undefined, body?: unknown) {
  const work: Promise<unknown>[] = [];
  const headers: Record<string, string> = { "cf-connecting-ip": uniqueIp(), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetchUnder(new Request(`${BASE_URL}${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) }), { ...bindings, ...changed }, { waitUntil: (promise) => void work.push(promise) });
  await Promise.all(work);
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
}

describe("a trial", () => {
  it("lasts its days, and a subscription outlasts it", async () => {
    const user = await signUpUser();
    const status = () => expectStatus(200, "GET", STATUS, { token: user.accessToken });
    const fresh = await status();
    expect(fresh).toMatchObject({ trial_active: true, has_active_subscription: false, plan_name: "free_trial", plan_display_name: expect.any(String), subscription_status: "trialing", subscription_source: null, billing_interval: null, pending_plan_name: null });
    expect(Date.parse(String(fresh["trial_expires_at"]))).toBeGreaterThan(Date.now() + 13 * 86_400_000);

    await setTrialEnd(user, Date.now() - 1);
    expect(await status()).toMatchObject({ trial_active: false, plan_name: "free", subscription_status: "free" });
    await setPlan(user, "pro");
    expect(await status()).toMatchObject({ trial_active: true, has_active_subscription: true, plan_name: "pro", subscription_status: "active", subscription_source: null });
  });

  it("tells of the subscription that decides: where from, how often, and what it becomes", async () => {
    const user = await signUpUser();
    const at = Date.now() + 20 * 86_400_000;
    const solo = await DB.prepare("SELECT id FROM plans WHERE key = 'solo'").first<{ id: number }>();
    await insertSubscription(user, "pro", { interval: "year", current_period_end: at, pending_plan_id: solo?.id ?? 0, pending_change_at: at });
    const expected = { trial_active: true, has_active_subscription: true, plan_name: "pro", plan_display_name: "Pro", billing_interval: "year", subscription_source: "stripe", subscription_status: "active", pending_plan_name: "solo", pending_change_date: new Date(at).toISOString() };
    expect(await expectStatus(200, "GET", STATUS, { token: user.accessToken })).toMatchObject(expected);
    expect(await expectStatus(200, "GET", "/api/v1/user/profile", { token: user.accessToken })).toMatchObject({ subscription_plan: "pro", subscription_status: "active", subscription_ends_at: new Date(at).toISOString() });
  });

  it("is for people", async () => {
    const { token } = await mintToken(await signUpUser());
    expect((await api("GET", STATUS, { token })).status).toBe(403);
    expect((await api("GET", STATUS)).status).toBe(401);
    expect((await api("POST", VALIDATE, { body: { device_token: "x" } })).status).toBe(401);
  });
});

describe("a device", () => {
  it("is let in while Apple is not configured", async () => {
    const user = await signUpUser();
    expect(await expectStatus(200, "POST", VALIDATE, { token: user.accessToken, body: { device_token: "device" } })).toEqual({ allowed: true, reason: "not_configured" });
    for (const body of [{}, { device_token: "" }, { device_token: "x".repeat(8_193) }]) expect((await api("POST", VALIDATE, { token: user.accessToken, body })).status).toBe(422);
  });

  it("is let in while Apple cannot be reached, and its mark is kept for later", async () => {
    const user = await signUpUser();
    expect(await under(APPLE, "POST", VALIDATE, user.accessToken, { device_token: "device" })).toEqual({ status: 200, body: { allowed: true, reason: "unavailable" } });

    const credentials = newCredentials();
    const before = await DB.prepare("SELECT count(*) AS n FROM outbox WHERE type = 'device_check.mark'").first<{ n: number }>();
    expect(await under(APPLE, "POST", "/api/v1/user/signup", undefined, { ...credentials, device_token: "device" })).toMatchObject({ status: 200, body: { success: true } });
    await mailsTo(credentials.email);
    const { results } = await DB.prepare("SELECT attempts, parked_at, last_error, payload FROM outbox WHERE type = 'device_check.mark' ORDER BY created_at DESC").all<Record<string, unknown>>();
    expect(results).toHaveLength((before?.n ?? 0) + 1);
    expect(results[0]).toMatchObject({ attempts: 1, parked_at: null, last_error: "DeviceCheck answered 599" });
    expect(JSON.stringify(results)).not.toContain('"device"');
  });

  it("needs all of Apple's key or none", async () => {
    for (const name of ["APPLE_TEAM_ID", "APPLE_KEY_ID", "APPLE_PRIVATE_KEY"] as const) {
      expect(await under({ ...APPLE, [name]: "" }, "GET", "/health", undefined)).toMatchObject({ status: 500, body: { code: "bad_environment" } });
    }
  });
});
