import { describe, expect, it } from "vitest";
import { isOperator, isSameOrigin, safeReturnTo } from "../../../src/governance/auth/auth.core";
import { readCookie, writeCookie } from "../../../src/governance/auth/cookies.core";
import { escapeHtml } from "../../../src/governance/auth/pages.core";
import { decidePoll, newUserCode, normalizeUserCode } from "../../../src/governance/device-grants/device-grants.core";
import { isUseWorthNoting } from "../../../src/governance/access-tokens/access-tokens.core";

describe("safeReturnTo", () => {
  it.each(["/", "/fleet", "/a?b=/c#d", "/api/v1/auth/device/activate?userCode=AAAA-BBBB", "/a//b"])("goes to %j", (path) => expect(safeReturnTo(path)).toBe(path));
  it.each([undefined, "", "fleet", "//evil.test", "/\\evil.test", "/\t/evil.test", "/\n/evil.test", "/a\\b", "https://evil.test", "javascript:alert(1)", " /a", "/a b", "/\u0000", "/ä", "/.//evil.test", "/a/..//evil.test", "/%2e//evil.test", `/${"x".repeat(1_024)}`])("goes home for %j", (path) => expect(safeReturnTo(path)).toBe("/"));
  it("never leaves the origin, whatever browsers make of it", () => {
    for (const path of ["//evil.test", "/\\evil.test", "/\t/evil.test", "/a/..//evil.test", "/./\\evil.test"]) expect(new URL(safeReturnTo(path), "https://sett.test").origin).toBe("https://sett.test");
  });
});

describe("isOperator", () => {
  const list = (emails: string[], domains: string[] = [], everybody = false) => ({ everybody, emails: new Set(emails), domains: new Set(domains) });
  const proven = (email: string) => ({ email, emailVerified: true });
  it("knows addresses and domains, in any case", () => {
    expect(isOperator(proven("Ada@Example.org"), list(["ada@example.org"]))).toBe(true);
    expect(isOperator(proven("bob@EXAMPLE.org"), list([], ["example.org"]))).toBe(true);
    expect(isOperator(proven("bob@sub.example.org"), list([], ["example.org"]))).toBe(false);
    expect(isOperator(proven("bob@notexample.org"), list([], ["example.org"]))).toBe(false);
    expect(isOperator(proven("example.org@evil.test"), list([], ["example.org"]))).toBe(false);
  });
  it("takes a proven address only, unless everybody is one", () => {
    expect(isOperator({ email: "ada@example.org", emailVerified: false }, list(["ada@example.org"], ["example.org"]))).toBe(false);
    expect(isOperator({ email: null, emailVerified: false }, list([""]))).toBe(false);
    expect(isOperator({ email: null, emailVerified: false }, list([], [], true))).toBe(true);
  });
  it("takes no other address for one on the list", () => {
    // The sign for kelvin, whose small form is our k.
    for (const email of ["\u212Aeeper@example.org", "keeper@\u212Anown.example", "known.example", "@known.example", "keeper@example.org@evil.test", "keeper@example.org\u0000"]) {
      expect(isOperator(proven(email), list(["keeper@example.org"], ["known.example"])), email).toBe(false);
    }
  });
  it("is nobody without a list", () => expect(isOperator(proven("ada@example.org"), list([]))).toBe(false));
});

describe("isSameOrigin", () => {
  const ours = ["https://sett.test", null] as const;
  it.each([
    [{ origin: "https://sett.test" }, true],
    [{ "sec-fetch-site": "same-origin" }, true],
    [{}, false],
    [{ origin: "null" }, false],
    [{ origin: "https://evil.test", "sec-fetch-site": "same-origin" }, false],
    [{ origin: "http://sett.test" }, false],
    [{ "sec-fetch-site": "same-site" }, false],
    [{ "sec-fetch-site": "none" }, false],
  ] as const)("%j: %s", (headers, expected) => expect(isSameOrigin(new Headers({ ...headers }), ours)).toBe(expected));
});

describe("cookies", () => {
  it("are found by their whole name", () => {
    expect(readCookie("a=1; opencrane_oidc=x.y=; b=2", "opencrane_oidc")).toBe("x.y=");
    expect(readCookie("opencrane_oidc_login=1", "opencrane_oidc")).toBeNull();
    expect(readCookie("opencrane_oidc=", "opencrane_oidc")).toBeNull();
    expect(readCookie(null, "a")).toBeNull();
  });
  it("are none when a neighbouring site may have planted another", () => {
    expect(readCookie("a=theirs; a=ours", "a")).toBeNull();
    expect(readCookie("a=; a=ours", "a")).toBeNull();
    expect(readCookie("a=ours; a=ours", "a")).toBe("ours");
  });
  it("are hidden from scripts and other sites", () => {
    expect(writeCookie("a", "b", { maxAgeSeconds: 5, path: "/x", secure: true })).toBe("a=b; Path=/x; Max-Age=5; HttpOnly; SameSite=Lax; Secure");
    expect(writeCookie("a", "b", { maxAgeSeconds: 5, path: "/", secure: false })).not.toContain("Secure");
  });
});

describe("device grants", () => {
  it("show codes of letters that nobody mistakes", () => {
    const codes = Array.from({ length: 500 }, newUserCode);
    for (const code of codes) expect(code).toMatch(/^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/);
    expect(new Set(codes).size).toBe(500);
    for (const letter of "ABCDEFGHJKLMNPQRSTUVWXYZ23456789") expect(codes.join("")).toContain(letter);
  });
  it("take a code however it is typed", () => {
    for (const typed of ["ABCD-EFGH", "abcd efgh", " abcdefgh ", "ab-cd-ef-gh"]) expect(normalizeUserCode(typed)).toBe("ABCD-EFGH");
  });
  it("are decided by what happened before", () => {
    const grant = { approvedAt: null, deliveredAt: null, expiresAt: 100 };
    expect(decidePoll(undefined, 1)).toBe("over");
    expect(decidePoll(grant, 99)).toBe("pending");
    expect(decidePoll(grant, 100)).toBe("over");
    expect(decidePoll({ ...grant, approvedAt: 5 }, 99)).toBe("deliver");
    expect(decidePoll({ ...grant, approvedAt: 5 }, 100)).toBe("over");
    expect(decidePoll({ ...grant, approvedAt: 5, deliveredAt: 6 }, 7)).toBe("over");
  });
});

it("escapes what could be markup", () => expect(escapeHtml(`<a href="x" b='y'>&`)).toBe("&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;"));

it("notes a use at most once a minute", () => {
  expect(isUseWorthNoting(null, 5)).toBe(true);
  expect(isUseWorthNoting(0, 59_999)).toBe(false);
  expect(isUseWorthNoting(0, 60_000)).toBe(true);
});
