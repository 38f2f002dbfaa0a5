import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addonEndingMail, newCliTokenMail, newLoginMail, passwordChangedMail, resetCodeMail, verificationCodeMail } from "../../../src/fleet/mails";
import { oneLine } from "../../../src/fleet/mails/layout";

const AT = Date.UTC(2026, 10, 21, 23, 36);
const notice = { to: "ada@example.org", username: "ada", at: AT, ip: "192.0.2.7" };
const mails = [
  verificationCodeMail({ to: "ada@example.org", username: "ada", code: "123456", lifeMs: 600_000 }),
  resetCodeMail({ to: "ada@example.org", username: "ada", code: "123456", lifeMs: 600_000 }),
  newLoginMail({ ...notice, deviceName: "Firefox on linux", platform: "linux" }),
  newCliTokenMail({ ...notice, tokenName: "build", expiresAt: AT }),
  passwordChangedMail(notice),
];
const ending = addonEndingMail({ to: "ada@example.org", username: "ada", endsAt: AT, machine: "den", isUnpaid: false });
const unpaid = addonEndingMail({ to: "ada@example.org", username: "ada", endsAt: AT, machine: null, isUnpaid: true });

describe("mails", () => {
  it.each([...mails, ending, unpaid].map((mail) => [mail.subject, mail] as const))("%s: both forms say the same, and load nothing", (_, mail) => {
    expect(mail.to).toBe("ada@example.org");
    for (const form of [mail.text, mail.html]) expect(form).toContain("ada");
    expect(mail.html).not.toMatch(/<(img|link|script|iframe|a)\b|https?:|url\(|src=|@import/i);
    expect(mail.html).toContain("prefers-color-scheme:dark");
    expect(mail.text).not.toMatch(/<\/?[a-z]/i);
    expect(mail.html).not.toContain("undefined");
    expect(mail.text).not.toContain("undefined");
  });

  it("show codes with their life, and notices with time and place", () => {
    expect(mails[0]?.text).toMatch(/\b123456\b/);
    expect(mails[0]?.text).toContain("10 minutes");
    expect(mails[1]?.subject).toContain("123456");
    for (const mail of mails.slice(2)) expect(mail.text).toContain("Time: 2026-11-21 23:36 UTC\nIP address: 192.0.2.7");
    expect(newCliTokenMail({ ...notice, tokenName: "x", expiresAt: null }).text).toContain("Good until: revoked");
    expect(newLoginMail({ ...notice, deviceName: null, platform: null }).text).toContain("Device: unknown");
  });

  it("say what ends, when and why", () => {
    expect(ending.text).toContain("Machine: den\nEnds: 2026-11-21 23:36 UTC");
    expect(ending.text).toContain("cancelled");
    expect(unpaid.text).toContain("failed");
    expect(unpaid.text).not.toContain("Machine:");
  });

  it("escape whatever somebody chose, and keep it on one line", () => {
    const chosen = 'Bill"s <img src=x onerror=alert(1)>\r\nBcc: eve@example.org\u2028\u202e & more';
    const mail = newLoginMail({ ...notice, deviceName: chosen, platform: null });
    expect(mail.html).not.toContain("<img");
    expect(mail.text).toContain('Device: Bill"s <img src=x onerror=alert(1)> Bcc: eve@example.org & more\n');
  });

  it("keep any name to one short line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const line = oneLine(text);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(line.length).toBeLessThanOrEqual(120);
      }),
    );
  });
});
