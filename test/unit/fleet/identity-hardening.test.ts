import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderCommonPasswords } from "../../../scripts/common-passwords.mjs";
import { phoneKeyOf, USERNAME_PATTERN } from "../../../src/fleet/accounts/accounts.core";
import { commonPasswords } from "../../../src/fleet/passwords/common-passwords.gen";
import { usernameFrom } from "../../../src/fleet/identities/identities.core";
import { listedForms, lockMsAfter } from "../../../src/fleet/passwords/passwords.core";
import { readAlias, triedNameOf } from "../../../src/fleet/sessions/sessions.core";
import { issueAccessToken, publicJwks, verifyAccessToken, type AccessClaims } from "../../../src/kernel/auth/access-token";
import { claimsIssuer } from "../../../src/kernel/auth/external-issuer";
import type { Config } from "../../../src/kernel/config";
import { keyedHash } from "../../../src/kernel/crypto/keyed-hash";
import { testSecrets } from "../../support/secrets";

const NOW = Date.UTC(2026, 10, 21, 12);

describe("locks", () => {
  it("spare ten tries, then double up to sixteen minutes", () => {
    expect([1, 9, 10, 11, 12, 13, 14, 15, 1_000].map((failures) => lockMsAfter(failures) / 60_000)).toEqual([0, 0, 1, 2, 4, 8, 16, 16, 16]);
  });

  it("hold a Matrix id of ours and its user name to be one", () => {
    const nameOf = (typed: string) => triedNameOf(readAlias(typed), "sett.localhost");
    expect(nameOf("@Ada:sett.localhost")).toBe("ada");
    expect(nameOf("ADA ")).toBe("ada");
    expect(nameOf("@ada:elsewhere.org")).toBe("@ada:elsewhere.org");
    expect(nameOf("Ada@Example.org")).toBe("ada@example.org");
  });
});

describe("leaked passwords", () => {
  const isListed = (password: string) => listedForms(password).some((form) => commonPasswords.includes(`\n${form}\n`));

  it("are found with their usual trimmings, others are not", () => {
    for (const password of ["password", "PassWord", "password123", "Password!", "1234567890", "qwertyuiop[]"]) expect(isListed(password), password).toBe(true);
    for (const password of ["correct horse battery", "Badger-sett-2026", "assword", "sswor", "9f8a7d6c5b4e"]) expect(isListed(password), password).toBe(false);
  });

  it("are what the package lists", () => {
    expect(renderCommonPasswords()).toContain(JSON.stringify(commonPasswords));
    expect(commonPasswords.split("\n").length).toBeGreaterThan(15_000);
  });
});

describe("names and numbers", () => {
  it("make user names of whatever an issuer sends", () => {
    expect(usernameFrom("Ada.Lovelace@example.org", "")).toBe("adalovelace");
    expect(usernameFrom("al", "")).toBe("al000");
    expect(usernameFrom("", "x1y2")).toBe("userx1y2");
    fc.assert(fc.property(fc.string(), fc.constantFrom("", "0abc"), (wanted, suffix) => USERNAME_PATTERN.test(usernameFrom(wanted, suffix)) && usernameFrom(wanted, suffix).length >= 5 && usernameFrom(wanted, suffix).length <= 64));
  });

  it("read phone numbers without their punctuation", () => {
    expect(phoneKeyOf("+47 (912) 34-567")).toBe("+4791234567");
    expect(phoneKeyOf("0047 912.34.567")).toBe("+4791234567");
    for (const none of ["", "123", "call me", "+1234567890123456"]) expect(phoneKeyOf(none)).toBeNull();
  });

  it("hash by purpose and key", async () => {
    const hash = await keyedHash(new Uint8Array(16), "a:b");
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyedHash(new Uint8Array(16).fill(1), "a:b")).not.toBe(hash);
    expect(await keyedHash(new Uint8Array(16), "a:c")).not.toBe(hash);
  });
});

describe("signing keys", () => {
  const claims: AccessClaims = { userId: 7, sub: "s", username: "ada", role: "user", epoch: 0, sessionId: 1 };
  const configOf = (keys: unknown[]) => ({ signingKeys: JSON.stringify(keys) }) as Config;

  it("rotate: the new one signs, the old one still verifies, both are published without their secrets", async () => {
    const [old] = JSON.parse(testSecrets.SIGNING_KEYS) as unknown[];
    const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])) as CryptoKeyPair;
    const { kty, crv, x, y, d } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
    const before = configOf([old]);
    const during = configOf([{ kty, crv, x, y, d, kid: "new" }, old]);
    const after = configOf([{ kty, crv, x, y, d, kid: "new" }]);
    const oldToken = await issueAccessToken(before, claims, NOW);
    const newToken = await issueAccessToken(during, claims, NOW);
    const okUnder = async (config: Config, token: string) => (await verifyAccessToken(config, token, NOW)).ok;
    expect([await okUnder(during, oldToken), await okUnder(during, newToken), await okUnder(before, newToken), await okUnder(after, oldToken), await okUnder(after, newToken)]).toEqual([true, true, false, false, true]);
    const { keys } = await publicJwks(during);
    expect(keys.map((key) => [key.kid, key.use, "d" in key])).toEqual([["new", "sig", false], ["test-1", "sig", false]]);
  });

  it("are asked of nobody for tokens that only look like a foreign issuer's", () => {
    expect(claimsIssuer("x", "https://id.example")).toBe(false);
    expect(claimsIssuer(`e30.${btoa(JSON.stringify({ iss: "https://id.example" }))}.x`, "https://id.example")).toBe(true);
    expect(claimsIssuer(`e30.${btoa(JSON.stringify({ iss: "sett" }))}.x`, "https://id.example")).toBe(false);
  });
});
