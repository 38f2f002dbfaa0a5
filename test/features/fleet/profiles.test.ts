import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, expectStatus, newCredentials, signUpUnverified, signUpUser, uniqueName } from "../../support/client";

const { DB } = env as unknown as Env;

describe("profiles", () => {
  it("change in what they say, not in address and user name", async () => {
    const user = await signUpUser();
    const same = { username: user.username, email: user.email, agreed_terms: true, agreed_privacy: true };
    const update = (body: Record<string, unknown>) => api("POST", "/api/v1/user/profile", { token: user.accessToken, body });
    const changed = await update({ ...same, name: " Ada L. ", display_name: "Ada", phone_number: "+47 912 34 567", auto_destruct_time: "7d" });
    expect(changed).toMatchObject({ status: 200, body: { id: user.userId, name: "Ada L.", display_name: "Ada", phone_number: "+47 912 34 567", auto_destruct_time: "7d", agreed_terms: true, agreed_privacy: true } });
    expect(await expectStatus(200, "GET", "/api/v1/user/profile", { token: user.accessToken })).toEqual(changed.body);
    // What is left out stays; agreements are only ever given.
    expect(await update({ ...same, agreed_terms: false, display_name: null })).toMatchObject({ status: 200, body: { name: "Ada L.", display_name: null, phone_number: "+47 912 34 567", agreed_terms: true } });
    expect(await update({ ...same, email: `${uniqueName()}@example.org` })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "email"] }] } });
    expect(await update({ ...same, username: uniqueName() })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "username"] }] } });
    expect((await update({ username: user.username, email: user.email })).status).toBe(422);
    const { results } = await DB.prepare("SELECT detail FROM audit_log WHERE tenant_id = ? AND action = 'account.update' ORDER BY id").bind(user.userId).all<{ detail: string }>();
    expect(results.map((row) => JSON.parse(row.detail) as unknown)).toEqual([
      { changed: ["name", "displayName", "phoneNumber", "phoneKey", "autoDestructTime", "agreedTerms", "agreedPrivacy"] },
      { changed: ["displayName"] },
    ]);
    const twins = await Promise.all(["one", "two", "three"].map((name) => update({ ...same, name })));
    expect(twins.map((answer) => answer.status)).toEqual([200, 200, 200]);
  });
});

describe("availability", () => {
  const username = (candidate: string) => api("GET", `/api/v1/user/username/check?candidate=${encodeURIComponent(candidate)}`);
  const email = (text: string) => api("GET", `/api/v1/user/email-availability?email=${encodeURIComponent(text)}`);
  const phone = (text: string) => api("GET", `/api/v1/user/phone-availability?phone=${encodeURIComponent(text)}`);

  it("of user names", async () => {
    const taken = await signUpUnverified();
    expect((await username(taken.username.toUpperCase())).body).toEqual({ valid: false, reason: "taken" });
    expect((await username(uniqueName())).body).toEqual({ valid: true, reason: "ok" });
    expect((await username("Administrator")).body).toEqual({ valid: false, reason: "reserved" });
    expect((await username("has_line")).body).toEqual({ valid: false, reason: "invalid" });
    expect((await username("abcd")).status).toBe(422);
    expect((await api("GET", "/api/v1/user/username/check")).status).toBe(422);
  });

  it("of addresses, abandoned claims among the free ones", async () => {
    const claim = await signUpUnverified();
    expect((await email(claim.email.toUpperCase())).body).toEqual({ available: false, reason: "taken" });
    await DB.prepare("UPDATE one_time_codes SET expires_at = 0 WHERE tenant_id = (SELECT id FROM users WHERE email_key = ?)").bind(claim.email).run();
    expect((await email(claim.email)).body).toEqual({ available: true, reason: "ok" });
    expect((await email(`${uniqueName()}@example.org`)).body).toEqual({ available: true, reason: "ok" });
    expect((await email("nobody")).body).toEqual({ available: false, reason: "invalid" });
  });

  it("of phone numbers, however they are written", async () => {
    const digits = String(10_000_000 + (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 89_999_999);
    expect((await phone(`+47${digits}`)).body).toEqual({ available: true, reason: "ok" });
    await expectStatus(200, "POST", "/api/v1/user/signup", { body: { ...newCredentials(), phone_number: `0047 ${digits.slice(0, 4)}-${digits.slice(4)}` } });
    expect((await phone(`+47${digits}`)).body).toEqual({ available: false, reason: "taken" });
    expect((await phone("call me")).body).toEqual({ available: false, reason: "invalid" });
  });
});
