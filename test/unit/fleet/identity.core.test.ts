import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAbandonedClaim, weaknessOf } from "../../../src/fleet/accounts/accounts.core";
import { verificationMail } from "../../../src/fleet/accounts/verification-mail";
import { decidePoll, REPEAT_MS } from "../../../src/fleet/cli-logins/cli-logins.core";
import { expiryOf, freeName, isFirstInHour, isUsable, LIFETIMES, statusOf } from "../../../src/fleet/cli-tokens/cli-tokens.core";
import { describeDevice, readAlias } from "../../../src/fleet/sessions/sessions.core";

const NOW = Date.UTC(2026, 10, 21, 12);

describe("accounts", () => {
  it("know a password that is none", () => {
    const identity = { email: "Ada@Example.org", username: "AdaLovelace" };
    expect(weaknessOf("ada@example.org", identity)).toMatch(/differ/);
    expect(weaknessOf("adalovelace", identity)).toMatch(/differ/);
    expect(weaknessOf("........", identity)).toMatch(/more than one/);
    expect(weaknessOf("🦡🦡🦡🦡", identity)).toMatch(/more than one/);
    expect(weaknessOf("aaaaaaab", identity)).toBeNull();
  });

  it("give only abandoned claims away", () => {
    const claim = { accountVerified: false, status: "active", codeExpiresAt: NOW, neverUsed: true };
    expect(isAbandonedClaim(claim, NOW)).toBe(true);
    expect(isAbandonedClaim({ ...claim, codeExpiresAt: null }, NOW)).toBe(true);
    expect(isAbandonedClaim({ ...claim, codeExpiresAt: NOW + 1 }, NOW)).toBe(false);
    expect(isAbandonedClaim({ ...claim, accountVerified: true }, NOW)).toBe(false);
    expect(isAbandonedClaim({ ...claim, status: "deactivated" }, NOW)).toBe(false);
    expect(isAbandonedClaim({ ...claim, neverUsed: false }, NOW)).toBe(false);
  });

  it("put no markup of others into a mail", () => {
    const mail = verificationMail("a@example.org", `<img src=x onerror="alert('1')">`, "123456");
    expect(mail.html).not.toContain("<img");
    expect(mail.html).toContain("&#60;img");
    expect(mail.html).toContain(">123456<");
    expect(mail.text).toContain("123456");
  });
});

describe("sessions", () => {
  it("tell the three aliases apart", () => {
    expect(readAlias(" @Ada:Sett.localhost ")).toEqual({ matrixId: "@ada:sett.localhost" });
    expect(readAlias("Ada@Example.org")).toEqual({ emailKey: "ada@example.org" });
    expect(readAlias("AdaL")).toEqual({ username: "adal" });
  });

  it.each([
    [null, null, { name: null, platform: null }],
    ["  Ada's phone  ", null, { name: "Ada's phone", platform: null }],
    ["x".repeat(200), null, { name: "x".repeat(100), platform: null }],
    [null, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", { name: "Firefox on linux", platform: "linux" }],
    [null, "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", { name: "Edge on windows", platform: "windows" }],
    [null, "Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", { name: "Chrome on android", platform: "android" }],
    [null, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", { name: "Safari on ios", platform: "ios" }],
    [null, "sett/1.4.0 (linux; x64)", { name: "sett on linux", platform: "linux" }],
    [null, "curl/8.9", { name: "curl", platform: null }],
  ])("describe the device of %j and %j", (sent, userAgent, device) => {
    expect(describeDevice(sent, userAgent)).toEqual(device);
  });
});

describe("CLI tokens", () => {
  it("compute their status: revoked, expired, bound, active, in that order", () => {
    const token = { revokedAt: null, expiresAt: null, boundInstanceId: null };
    expect(statusOf(token, NOW)).toBe("active");
    expect(statusOf({ ...token, boundInstanceId: "a" }, NOW)).toBe("bound");
    expect(statusOf({ ...token, boundInstanceId: "a", expiresAt: NOW }, NOW)).toBe("expired");
    expect(statusOf({ revokedAt: 1, expiresAt: NOW, boundInstanceId: "a" }, NOW)).toBe("revoked");
    expect([isUsable(token, NOW), isUsable({ ...token, expiresAt: NOW + 1 }, NOW), isUsable({ ...token, expiresAt: NOW }, NOW)]).toEqual([true, true, false]);
  });

  it("end at whole seconds, never late", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 41 }), fc.constantFrom(...Object.values(LIFETIMES)), (now, lifetimeMs) => {
        const end = expiryOf(lifetimeMs, now);
        if (lifetimeMs === null || end === null) {
          expect(end).toBe(lifetimeMs);
          return;
        }
        expect(end % 1_000).toBe(0);
        expect(now + lifetimeMs - end).toBeGreaterThanOrEqual(0);
        expect(now + lifetimeMs - end).toBeLessThan(1_000);
      }),
    );
  });

  it("note one use per clock hour", () => {
    expect(isFirstInHour(null, NOW)).toBe(true);
    expect(isFirstInHour(NOW, NOW + 3_599_999)).toBe(false);
    expect(isFirstInHour(NOW + 3_599_999, NOW + 3_600_000)).toBe(true);
  });

  it("find the first free name", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 8 })), (numbers) => {
        const taken = new Set(numbers.map((n) => (n === 1 ? "cli" : `cli-${n}`)));
        const name = freeName("cli", taken);
        expect(taken.has(name)).toBe(false);
        const first = [1, 2, 3, 4, 5, 6, 7, 8, 9].find((n) => !numbers.includes(n));
        expect(name).toBe(first === 1 ? "cli" : `cli-${first}`);
      }),
    );
  });
});

describe("a poll of a CLI login", () => {
  const waiting = { started: true, completedAt: null, firstPolledAt: null, expiresAt: NOW + 1, sealedToken: null };
  const complete = { ...waiting, completedAt: NOW - 5, sealedToken: "sealed" };

  it("waits for unknown codes when proven, and for started ones anyway", () => {
    expect(decidePoll(undefined, true, NOW)).toBe("pending");
    expect(decidePoll(undefined, false, NOW)).toBe("refuse");
    expect(decidePoll(waiting, true, NOW)).toBe("pending");
    expect(decidePoll(waiting, false, NOW)).toBe("pending");
  });

  it("hands out to the proven only, for a minute, within the code's life", () => {
    expect(decidePoll(complete, true, NOW)).toBe("first");
    expect(decidePoll(complete, false, NOW)).toBe("refuse");
    expect(decidePoll({ ...complete, started: false }, true, NOW)).toBe("first");
    expect(decidePoll({ ...complete, started: false }, false, NOW)).toBe("refuse");
    expect(decidePoll({ ...complete, firstPolledAt: NOW - REPEAT_MS + 1 }, true, NOW)).toBe("repeat");
    expect(decidePoll({ ...complete, firstPolledAt: NOW - REPEAT_MS }, true, NOW)).toBe("pending");
    expect(decidePoll({ ...complete, expiresAt: NOW }, true, NOW)).toBe("pending");
  });

  it("never hands anything to whoever proves nothing", () => {
    const time = fc.integer({ min: NOW - 100_000, max: NOW + 100_000 });
    const login = fc.record({ started: fc.boolean(), completedAt: fc.option(time), firstPolledAt: fc.option(time), expiresAt: time, sealedToken: fc.option(fc.constant("sealed")) });
    fc.assert(
      fc.property(fc.option(login, { nil: undefined }), (state) => {
        expect(["pending", "refuse"]).toContain(decidePoll(state, false, NOW));
      }),
    );
  });
});
