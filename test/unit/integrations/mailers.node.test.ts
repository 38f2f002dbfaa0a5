import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createCloudflareMailer, readSender } from "../../../src/integrations/email/cloudflare-mailer";
import { createResendMailer } from "../../../src/integrations/email/resend-mailer";
import { PermanentEffectError } from "../../../src/kernel/outbox/effects";
import { startResend } from "../../support/outside-services.mjs";

const FROM = "Sett <no-reply@example.org>";
const MAIL = { to: "ada@example.org", subject: "Hello", text: "Hello, Ada", html: "<p>Hello, Ada</p>" };

const failureOf = (sending: Promise<void>): Promise<unknown> => sending.then(() => null, (error: unknown) => error);

describe("Resend", () => {
  let resend: Awaited<ReturnType<typeof startResend>>;
  const mailer = (apiKey = resend.apiKey) => createResendMailer({ apiKey, baseUrl: resend.origin }, FROM);
  beforeAll(async () => {
    resend = await startResend();
  });
  afterEach(() => resend.refuse(200));
  afterAll(() => resend.close());

  it("takes a mail once, however often it is sent", async () => {
    await mailer().send(MAIL, "eff_1");
    await mailer().send(MAIL, "eff_1");
    expect([...resend.sent]).toEqual([["eff_1", { ...MAIL, from: FROM, to: ["ada@example.org"] }]]);
  });

  it.each([400, 404, 422])("gives a mail up for good after a %i", async (status) => {
    resend.refuse(status);
    const error = await failureOf(mailer().send(MAIL, "eff_2"));
    expect(error).toBeInstanceOf(PermanentEffectError);
    expect((error as Error).message).toBe(`Resend answered ${status} (validation_error)`);
  });

  it.each([401, 403, 409, 429, 500, 503])("tries again after a %i, and repeats no address in its reason", async (status) => {
    resend.refuse(status, "about ada@example.org");
    const error = await failureOf(mailer().send(MAIL, "eff_3"));
    expect(error).not.toBeInstanceOf(PermanentEffectError);
    expect((error as Error).message).toBe(`Resend answered ${status}`);
  });

  it("tries again when nobody answers", async () => {
    const error = await failureOf(createResendMailer({ apiKey: "x", baseUrl: "http://127.0.0.1:1" }, FROM).send(MAIL, "eff_4"));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(PermanentEffectError);
  });
});

describe("Cloudflare Email Service", () => {
  const binding = (fails?: unknown) => {
    const sent: unknown[] = [];
    // The binding exists only on the platform, and there it only logs.
    const email = {
      send: async (message: unknown) => {
        if (fails !== undefined) throw fails;
        sent.push(message);
        return { messageId: "1" };
      },
    } as unknown as SendEmail;
    return { email, sent };
  };

  it("is handed the parts of a mail", async () => {
    const { email, sent } = binding();
    await createCloudflareMailer(email, FROM).send(MAIL, "eff_1");
    expect(sent).toEqual([{ ...MAIL, from: { name: "Sett", email: "no-reply@example.org" } }]);
    expect([readSender("a@b.c"), readSender("<a@b.c>"), readSender(" A B  <a@b.c> ")]).toEqual(["a@b.c", "a@b.c", { name: "A B", email: "a@b.c" }]);
  });

  it.each([
    ["E_RECIPIENT_SUPPRESSED", true],
    ["E_VALIDATION_ERROR", true],
    ["E_HEADERS_TOO_LARGE", true],
    ["E_SENDER_NOT_VERIFIED", false],
    ["E_RATE_LIMIT_EXCEEDED", false],
    ["E_DAILY_LIMIT_EXCEEDED", false],
    ["E_INTERNAL_SERVER_ERROR", false],
  ])("takes %s as permanent: %s", async (code, permanent) => {
    const error = await failureOf(createCloudflareMailer(binding(Object.assign(new Error("about ada@example.org"), { code })).email, FROM).send(MAIL, "eff_1"));
    expect(error instanceof PermanentEffectError).toBe(permanent);
    expect((error as Error).message).toBe(`Email Service answered ${code}`);
  });
});
