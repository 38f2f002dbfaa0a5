import { describe, expect, it } from "vitest";
import { isSafeEndpoint, showAnswer } from "../../../src/fleet/matrix-admin/test-endpoint.core";

describe("endpoints that may be tried", () => {
  it.each([
    "/_matrix/client/versions",
    "/_matrix/client/v3/rooms/!a:b/state/m.room.name/",
    "/_synapse/admin/v1/rooms/%21a%3Ab?type=m.room.create&x=%2F..",
    "/_synapse/admin/v2/users?from=0&name=a%20b",
    "/_matrix/client/v3/rooms/!a:b/state/...",
  ])("%s", (endpoint) => {
    expect(isSafeEndpoint(endpoint)).toBe(true);
    // What a client makes of it is what was checked.
    const { origin, pathname, search } = new URL(`http://hs${endpoint}`);
    expect(origin + pathname + search).toBe(`http://hs${endpoint}`);
  });

  it.each([
    "",
    "/",
    "/_matrix",
    "/_synapse",
    "/health",
    "_matrix/client/versions",
    " /_matrix/client/versions",
    "http://else/_matrix/client/versions",
    "//else/_matrix/client/versions",
    "/\\else/_matrix/x",
    "@else/_matrix/x",
    ":80@else/_matrix/x",
    "/_matrix/../_synapse/admin/v1/x",
    "/_matrix/./x",
    "/_matrix/..",
    "/_matrix/x/.",
    "/_matrix/..?x=1",
    "/_matrix//x",
    "/_matrix/%2e%2e/x",
    "/_matrix/%2E./x",
    "/_matrix/a%2fb",
    "/_matrix/a%5Cb",
    "/_matrix/%252e%252e/x",
    "/_matrix/a%00b",
    "/_matrix/a%0d%0ab",
    "/_matrix/a%7f",
    "/_matrix/a%zz",
    "/_matrix/a%2",
    "/_matrix/x#y",
    "/_matrix/a b",
    "/_matrix/a\r\nx: y",
    "/_matrix/a\\b",
    "/_matrix/a\tb",
    "/_matrix/ä",
    "/_MATRIX/x",
  ])("not %j", (endpoint) => {
    expect(isSafeEndpoint(endpoint)).toBe(false);
  });
});

describe("answers that are shown", () => {
  const show = (text: string, headers: Record<string, string> = {}, status = 200) => showAnswer({ status, headers, text }, ["our-secret"]);

  it("are data when they are JSON, else text", () => {
    expect(show('{"a":[1,null,true]}', { "x-a": "b" })).toEqual({ status: 200, headers: { "x-a": "b" }, data: { a: [1, null, true] }, text: null, success: true, error: null, errcode: null });
    expect(show("plain")).toMatchObject({ data: null, text: "plain" });
    expect(show("")).toMatchObject({ data: null, text: null });
    expect(show("null")).toMatchObject({ data: null, text: null });
    const deep = "[".repeat(100) + "]".repeat(100);
    expect(show(deep)).toMatchObject({ data: null, text: deep });
    expect(show(`"${"x".repeat(2 * 1024 * 1024)}"`).text).toHaveLength(1024 * 1024);
  });

  it("say what was refused", () => {
    expect(show('{"errcode":"M_FORBIDDEN","error":"no"}', {}, 403)).toMatchObject({ status: 403, success: false, error: "no", errcode: "M_FORBIDDEN" });
    expect(show("<html>", {}, 502)).toMatchObject({ success: false, error: "The homeserver answered 502.", errcode: null });
  });

  it("hold no credential: not ours, nor any field or value that looks like one", () => {
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
    const body = {
      echo: "said our-secret twice: our-secret",
      access_token: "x1",
      refresh_token: "x2",
      login_token: "x3",
      shared_secret: "x4",
      password: "x5",
      nonce: "x6",
      list: [{ token: "x7", note: "syt_YWJj_abcdefghij_1x8", header: "Bearer x9", jwt, mas: "mat_abcdefghijx10", macaroon: "MDAxx11" }],
      "our-secret": 1,
      next_token: "12",
      prev_batch: "s1",
      gone_token: null,
    };
    const shown = show(JSON.stringify(body), { "set-cookie": "x12", authorization: "x13", "x-echo": "our-secret", "x-jwt": `a ${jwt}`, etag: "e" });
    expect(JSON.stringify(shown)).not.toMatch(/our-secret|x\d|eyJ/);
    expect(shown.data).toMatchObject({ next_token: "12", prev_batch: "s1", gone_token: null });
    expect(shown.headers["etag"]).toBe("e");
    expect(show("text with our-secret and syt_abc_defghijk").text).toBe("text with [redacted] and [redacted]");
  });

  it("keep hostile names in their place", () => {
    const { data } = show('{"__proto__":{"polluted":1},"a":1}');
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
