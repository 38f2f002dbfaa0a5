import { describe, expect, it } from "vitest";
import { MANY_SESSIONS, securityFlags, type SecurityFacts } from "../../../src/fleet/admin-user-access/user-access.core";
import { differenceOf, endOfPrefix, readSearch, usernameFault } from "../../../src/fleet/admin-users/admin-users.core";
import { accountLabel, hasUsername, placeholderUsername, shownMatrixId, shownUsername, USERNAME_PATTERN } from "../../../src/fleet/accounts/accounts.core";
import { isConfirmed } from "../../../src/fleet/user-removal/user-removal.core";

describe("a search", () => {
  it.each([
    ["", null],
    ["  ", null],
    ["@", null],
    ["@Example.ORG", { domain: "example.org" }],
    ["@Ada:example.org", { matrixId: "@ada:example.org" }],
    ["42", { id: 42, prefix: "42", namePrefix: "42" }],
    ["4".repeat(16), { prefix: "4".repeat(16), namePrefix: "4".repeat(16) }],
    [" Ada@", { prefix: "ada@", namePrefix: "ada@" }],
    ["ÉMILE", { prefix: "émile", namePrefix: "Émile" }],
  ])("%j is read", (text, read) => expect(readSearch(text)).toEqual(read));

  it("by a prefix takes in all that begins so and nothing else", () => {
    for (const text of ["ada", "ada@example.org", "ada\u{1F9A1}", "adaz"]) expect(text >= "ada" && text < endOfPrefix("ada"), text).toBe(true);
    for (const text of ["ad", "adb", "b", "ac\u{10FFFF}"]) expect(text >= "ada" && text < endOfPrefix("ada"), text).toBe(false);
  });
});

describe("names", () => {
  it("that are user names", () => {
    for (const good of ["abcde", "ABC12", "a".repeat(64)]) expect(usernameFault(good)).toBeNull();
    for (const bad of ["", "abcd", "a".repeat(65), "with-dash", "mit ü"]) expect(usernameFault(bad), bad).not.toBeNull();
  });

  it("that stand for none can be no person's and are never shown", () => {
    const username = placeholderUsername("8d1c");
    const nobody = { username, matrixId: `@${username}:sett`, email: "ada@example.org" };
    expect(USERNAME_PATTERN.test(username)).toBe(false);
    expect([hasUsername(nobody), shownUsername(nobody), shownMatrixId(nobody), accountLabel(nobody)]).toEqual([false, null, null, "ada@example.org"]);
    const ada = { username: "adalovelace", matrixId: "@adalovelace:sett", email: "ada@example.org" };
    expect([hasUsername(ada), shownUsername(ada), shownMatrixId(ada), accountLabel(ada)]).toEqual([true, "adalovelace", "@adalovelace:sett", "adalovelace"]);
  });
});

it("the audit log tells what differs, and absence as null", () => {
  expect(differenceOf({ a: 1, b: 2 }, { a: 1, b: 3, c: 4 })).toEqual({ before: { b: 2, c: null }, after: { b: 3, c: 4 } });
  expect(differenceOf({ a: 1 }, { a: 1 })).toEqual({ before: {}, after: {} });
});

it("an address is confirmed whatever its case, and never by something like it", () => {
  expect([" Ada@Example.org ", "ada@example.org"].every((typed) => isConfirmed(typed, "ada@example.org"))).toBe(true);
  expect(["", "ada@example.or", "ada@example.org.", "*"].some((typed) => isConfirmed(typed, "ada@example.org"))).toBe(false);
});

describe("security flags", () => {
  const fine: SecurityFacts = { liveSessions: MANY_SESSIONS, sharedFingerprints: [], matrixUnreachable: false, emailVerified: true, matrixPasswordStale: false };
  const codes = (facts: Partial<SecurityFacts>) => securityFlags({ ...fine, ...facts }).map(({ code, severity }) => `${code} ${severity}`);

  it("are none when nothing is wrong, and the most serious first when all is", () => {
    expect(codes({})).toEqual([]);
    expect(codes({ liveSessions: MANY_SESSIONS + 1, sharedFingerprints: [{ fingerprint: "fp", others: 2 }], matrixUnreachable: true, emailVerified: false, matrixPasswordStale: true })).toEqual([
      "shared_fingerprint critical",
      "many_sessions warning",
      "matrix_unreachable warning",
      "unverified_email warning",
      "stale_matrix_password info",
    ]);
  });
});
