import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, codeMailedTo, expectStatus, logIn, mailsTo, mintToken, newCredentials, signUpUnverified, signUpUser, uniqueIp, uniqueName } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;
const RESEND: Partial<Env> = { MAIL_DRIVER: "resend", RESEND_API_KEY: "re_secret", MAIL_FROM: "Sett <no-reply@example.org>" };

async function under(changed: Partial<Env>, method: string, path: string, body?: unknown) {
  const work: Promise<unknown>[] = [];
  const request = new Request(`${BASE_URL}${path}`, { method, headers: { "cf-connecting-ip": uniqueIp() }, body: body === undefined ? null : JSON.stringify(body) });
  const response = await fetchUnder(request, { ...bindings, ...changed }, { waitUntil: (promise) => void work.push(promise) });
  await Promise.all(work);
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
}

/** A binding that takes mail, or fails with a code of the platform's. */
function emailBinding(code?: string): { email: SendEmail; sent: { to: string; subject: string; text: string }[] } {
  const sent: { to: string; subject: string; text: string }[] = [];
  const send = async (message: { to: string; subject: string; text: string }) => {
    if (code !== undefined) throw Object.assign(new Error("no"), { code });
    sent.push(message);
    return { messageId: "1" };
  };
  return { email: { send } as unknown as SendEmail, sent };
}

const effectOf = (since: number) => DB.prepare("SELECT attempts, parked_at, last_error FROM outbox WHERE type = 'mail.send' AND created_at >= ? ORDER BY created_at DESC").bind(since).first<{ attempts: number; parked_at: number | null; last_error: string }>();

describe("mail of people's own doing", () => {
  it("carries the code in text and HTML", async () => {
    const { email, username } = await signUpUnverified();
    const [mail] = await mailsTo(email);
    const code = await codeMailedTo(email);
    expect(mail?.subject).toBe(`${code} is your Sett verification code`);
    for (const form of [mail?.text, mail?.html]) {
      expect(form).toContain(code);
      expect(form).toContain(username.toLowerCase());
      expect(form).toContain("10 minutes");
    }
  });
});

describe("security notices", () => {
  it("tell of a CLI token, with its name and never with itself", async () => {
    const user = await signUpUser();
    const name = uniqueName("<b>build");
    const { token } = await mintToken(user, { name });
    const [mail] = await mailsTo(user.email, 2);
    expect(mail?.subject).toBe("New CLI token on your Sett account");
    expect(mail?.text).toContain(name);
    expect(mail?.html).not.toContain("<b>");
    expect(`${mail?.text}${mail?.html}`).not.toContain(token.slice(0, 20));
    // A name in use mints nothing and tells nothing.
    expect((await api("POST", "/api/v1/user/cli-tokens", { token: user.accessToken, body: { name, expires_in: "90d" } })).status).toBe(409);
    expect(await mailsTo(user.email)).toHaveLength(2);
  });

  it("tell of a CLI that logged in through the browser", async () => {
    const user = await signUpUser();
    const code = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    await expectStatus(200, "POST", "/api/v1/openclaw/cli/auth/callback", { token: user.accessToken, body: { code, access_token: user.accessToken } });
    expect((await mailsTo(user.email, 2))[0]?.subject).toBe("New CLI token on your Sett account");
  });

  it("tell of a device not seen before, but not of the first", async () => {
    const phone = { "x-device-name": "Ada's phone", "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605" };
    const user = await signUpUser();
    expect(await mailsTo(user.email)).toHaveLength(1);
    await logIn(user, phone);
    const [mail] = await mailsTo(user.email, 2);
    expect(mail?.subject).toBe("New sign-in to your Sett account");
    expect(mail?.text).toContain("Device: Ada's phone\nPlatform: ios");
    await logIn(user, phone);
    expect(await mailsTo(user.email)).toHaveLength(2);
  });
});

describe("drivers", () => {
  it.each([
    ["the mailbox outside the local environment", { ENVIRONMENT: "production", MAIL_DRIVER: "mailbox" }],
    ["an unknown one", { MAIL_DRIVER: "pigeon" }],
    ["Resend without its key", { ...RESEND, RESEND_API_KEY: "" }],
    ["Resend without a sender", { ...RESEND, MAIL_FROM: "" }],
    ["Resend at no address", { ...RESEND, RESEND_BASE_URL: "resend.test" }],
    ["Cloudflare without its binding", { MAIL_DRIVER: "cloudflare", MAIL_FROM: "no-reply@example.org" }],
  ] as [string, Partial<Env>][])("refuse to start with %s", async (_, changed) => {
    const answer = await under(changed, "GET", "/health");
    expect(answer).toMatchObject({ status: 500, body: { code: "bad_environment" } });
    expect(JSON.stringify(answer.body)).not.toContain("re_secret");
  });

  it("hand mail to Cloudflare", async () => {
    const { email, sent } = emailBinding();
    const credentials = newCredentials();
    expect(await under({ ENVIRONMENT: "production", MAIL_DRIVER: "cloudflare", MAIL_FROM: "Sett <no-reply@example.org>", EMAIL: email }, "POST", "/api/v1/user/signup", credentials)).toMatchObject({ status: 200 });
    expect(sent).toMatchObject([{ to: credentials.email, from: { name: "Sett", email: "no-reply@example.org" } }]);
  });

  it("park at once what a provider will never take, and try again what it may", async () => {
    const through = async (code: string) => {
      const since = Date.now();
      await under({ MAIL_DRIVER: "cloudflare", MAIL_FROM: "no-reply@example.org", EMAIL: emailBinding(code).email }, "POST", "/api/v1/user/signup", newCredentials());
      return effectOf(since);
    };
    const parked = await through("E_RECIPIENT_SUPPRESSED");
    expect(parked).toMatchObject({ attempts: 1, last_error: "Email Service answered E_RECIPIENT_SUPPRESSED" });
    expect(parked?.parked_at).not.toBeNull();
    expect(await through("E_INTERNAL_SERVER_ERROR")).toMatchObject({ attempts: 1, parked_at: null });
    const since = Date.now();
    await under(RESEND, "POST", "/api/v1/user/signup", newCredentials());
    expect(await effectOf(since)).toMatchObject({ attempts: 1, parked_at: null, last_error: "Resend answered 599" });
  });
});
