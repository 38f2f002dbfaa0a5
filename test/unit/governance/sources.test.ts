import { describe, expect, it } from "vitest";
import { digestKeyOf, publishedAtAfter, sha256Of, statusOf } from "../../../src/governance/skill-bundles/skill-bundles.core";
import { nextRunAfterChange, nextRunAfterFailure, nextRunAfterSuccess, statusTold } from "../../../src/governance/sources/sources.core";
import { isPrivateHost, readOutsideUrl } from "../../../src/kernel/http/outside-url";

const MINUTE = 60_000;
const daily = { kind: "mcp-registry", syncMode: "scheduled", syncIntervalMinutes: 1_440 } as const;

describe("when a source is looked through", () => {
  it("again after its interval, and sooner and ever later after failures", () => {
    expect(nextRunAfterSuccess(daily, 0)).toBe(1_440 * MINUTE);
    expect([1, 2, 3, 4].map((failures) => nextRunAfterFailure(daily, failures, 0))).toEqual([5, 10, 20, 40].map((minutes) => minutes * MINUTE));
    expect(nextRunAfterFailure(daily, 500, 0)).toBe(1_440 * MINUTE);
    expect(nextRunAfterFailure({ ...daily, syncIntervalMinutes: 5 }, 9, 0)).toBe(5 * MINUTE);
    for (const other of [{ ...daily, syncMode: "manual" }, { ...daily, kind: "manual-upload" }] as const) expect([nextRunAfterSuccess(other, 0), nextRunAfterFailure(other, 1, 0)]).toEqual([null, null]);
  });

  it("at once when it is approved, unless somebody told another time", () => {
    expect(nextRunAfterChange(daily, "healthy", undefined, null, 7)).toBe(7);
    expect(nextRunAfterChange(daily, "pending-approval", undefined, null, 7)).toBeNull();
    expect(nextRunAfterChange(daily, "healthy", undefined, 3, 7)).toBe(3);
    expect(nextRunAfterChange(daily, "healthy", null, 3, 7)).toBeNull();
    expect(nextRunAfterChange(daily, "healthy", 9, 3, 7)).toBe(9);
  });

  it("is syncing only while a sync runs", () => {
    expect(statusTold("mcp-registry", "syncing", false)).toBe("healthy");
    expect(statusTold("mcp-registry", "syncing", true)).toBe("syncing");
    expect(statusTold("manual-upload", "syncing", false)).toBe("syncing");
    expect(statusTold("mcp-registry", "error", false)).toBe("error");
  });
});

describe("addresses of others", () => {
  it("are public and encrypted, save locally", () => {
    for (const url of ["https://example.org/a?b#c", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://172.32.0.1/"]) expect(readOutsideUrl(url, false)?.href, url).toBe(url);
    for (const url of ["http://example.org/", "ftp://example.org/", "https://u:p@example.org/", "x", "https://0x7f000001/", "https://2130706433/", `https://example.org/${"x".repeat(2_048)}`]) expect(readOutsideUrl(url, false), url).toBeNull();
    expect(readOutsideUrl("http://localhost:8080/a", true)?.href).toBe("http://localhost:8080/a");
    expect(readOutsideUrl("file:///etc/passwd", true)).toBeNull();
  });

  it("are no hosts of private networks, in whatever clothes", () => {
    const isPrivate = (host: string) => isPrivateHost(new URL(`https://${host}/`).hostname);
    for (const host of ["localhost", "LOCALHOST.", "localhost..", "db.internal..", "a.localhost", "printer", "nas.local", "db.internal", "127.1", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "[::]", "[::1]", "[fc00::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "[2002:7f00:1::]", "[2001:db8::1]", "[64:ff9b::7f00:1]"]) expect(isPrivate(host), host).toBe(true);
    for (const host of ["example.org", "local.example", "11.0.0.1", "100.128.0.1", "172.15.0.1", "192.169.0.1", "[2606:4700::1]", "[2001:4860:4860::8888]"]) expect(isPrivate(host), host).toBe(false);
  });
});

describe("a skill", () => {
  it("has one digest, however it is spelled", () => {
    const hex = "ab".repeat(32);
    for (const text of [hex, `sha256:${hex}`, ` SHA256:${hex.toUpperCase()} `]) expect([sha256Of(text), digestKeyOf(text)]).toEqual([hex, hex]);
    for (const text of ["sha256:abc", `sha512:${hex}`, `${hex}0`]) expect([sha256Of(text), digestKeyOf(text)]).toEqual([null, text]);
  });

  it("in review is a draft to clients, and keeps when it was first published", () => {
    expect(["draft", "review", "published", "deprecated"].map((stage) => statusOf(stage as "draft"))).toEqual(["draft", "draft", "published", "deprecated"]);
    expect([publishedAtAfter("published", undefined, null, 5), publishedAtAfter("published", undefined, 3, 5), publishedAtAfter("deprecated", undefined, 3, 5), publishedAtAfter("published", null, 3, 5), publishedAtAfter("draft", 9, null, 5)]).toEqual([5, 3, 3, null, 9]);
  });
});
