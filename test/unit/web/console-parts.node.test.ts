import { describe, expect, it } from "vitest";
import { readRetryAfter, toApiError } from "../../../web/src/api/errors";
import { findSafeNext } from "../../../web/src/auth/next-path";
import { ratePassword } from "../../../web/src/auth/password.core";
import { filterMessages, findOneTimeCode } from "../../../web/src/dev/mailbox.core";
import { backoffMs } from "../../../web/src/fleet/backoff";
import { createStreamParser, readEventId, readFleetEvent, type StreamEvent } from "../../../web/src/fleet/sse-events";
import { formatDuration, formatMegabytes, formatRelative } from "../../../web/src/lib/format";
import { describeCommand, describeEvent } from "../../../web/src/machine/history.core";

function parse(...chunks: string[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createStreamParser((event) => events.push(event), () => undefined);
  for (const chunk of chunks) parser.feed(chunk);
  return events;
}

const answer = (status: number, headers: Record<string, string> = {}): Response => new Response(null, { status, headers });

describe("findSafeNext", () => {
  const origin = "https://sett.example";

  it.each(["/fleet", "/fleet/a%20b?q=x#y", "/cli-auth?code=Ab_-9"])("follows %s", (path) => {
    expect(findSafeNext(path, origin)).toBe(path);
  });

  it.each([
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/.//evil.example",
    "/fleet/..//evil.example",
    "javascript:alert(1)",
    "fleet",
    "",
    null,
    undefined,
    "/login",
    "/login?next=/login",
    "/signup",
    "/forgot",
    "/reset?email=ada%40example.org",
  ])("refuses %s", (path) => {
    expect(findSafeNext(path, origin)).toBeNull();
  });

  it("stays on this origin after normalising", () => {
    expect(findSafeNext("/a/../fleet", origin)).toBe("/fleet");
  });
});

describe("stream parsing", () => {
  it("puts events together from any pieces and skips comments", () => {
    const text = 'retry: 2000\n\n: hello\n\nid: 7\ndata: {"type":"resync"}\n\n: still here\n\ndata: {"type":"resync"}\n\n';
    const whole = parse(text);
    expect(whole).toEqual([
      { id: 7, event: { type: "resync" } },
      { id: null, event: { type: "resync" } },
    ]);
    expect(parse(...text)).toEqual(whole);
  });

  it("reads CRLF and data over several lines", () => {
    expect(parse('id: 8\r\ndata: {"type":\r\ndata: "resync"}\r\n\r\n')).toEqual([{ id: 8, event: { type: "resync" } }]);
  });

  it("survives data it cannot use", () => {
    expect(parse("data: {broken\n\n", "data: 5\n\n", 'data: {"kind":"x"}\n\n', 'data: {"type":"resync"}\n\n')).toHaveLength(1);
    expect(readFleetEvent("null")).toBeNull();
  });

  it("orders only by whole numbers", () => {
    expect([readEventId("42"), readEventId("0"), readEventId("a1"), readEventId("-1"), readEventId(""), readEventId(undefined)]).toEqual([42, 0, null, null, null, null]);
  });
});

describe("backoffMs", () => {
  it("grows to a ceiling and never waits nothing", () => {
    expect(backoffMs(0, 0)).toBe(125);
    expect(backoffMs(0, 1)).toBe(500);
    expect(backoffMs(50, 1)).toBe(20_000);
    expect(backoffMs(50, 0)).toBe(5000);
  });
});

describe("formats", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  it.each([
    [0, "now"],
    [1.9, "now"],
    [2, "2 s ago"],
    [59, "59 s ago"],
    [60, "1 min ago"],
    [3599, "59 min ago"],
    [3600, "1 h ago"],
    [86_400 * 3, "3 d ago"],
    [-30, "now"],
  ])("%s seconds ago reads %s", (seconds, text) => {
    expect(formatRelative(new Date(now - seconds * 1000).toISOString(), now)).toBe(text);
  });

  it("has words for what is missing", () => {
    expect(formatRelative(null, now)).toBe("never");
    expect(formatRelative("not a date", now)).toBe("never");
    expect(formatDuration(null)).toBe("–");
  });

  it("shows two units where the second matters", () => {
    expect([40, 150, 3600, 7500, 86_400, 363_600].map((seconds) => formatDuration(seconds))).toEqual(["40 s", "2 min", "1 h", "2 h 5 min", "1 d", "4 d 5 h"]);
    expect([512, 1024, 1536, 204_800].map(formatMegabytes)).toEqual(["512 MB", "1 GB", "1.5 GB", "200 GB"]);
  });
});

describe("toApiError", () => {
  it("maps validation problems to inputs", () => {
    const error = toApiError(answer(422), {
      detail: [
        { loc: ["body", "username"], msg: "too short", type: "x" },
        { loc: ["body", "username"], msg: "second", type: "x" },
      ],
      error: "validation_error",
      code: "VALIDATION_ERROR",
    });
    expect(error.fields).toEqual({ username: "Too short." });
    expect(error.message).toBe("Please check the marked fields.");
    expect(error.code).toBe("validation_error");
  });

  it("keeps the sentence, the number of the request and the wait", () => {
    const error = toApiError(answer(429, { "retry-after": "42", "x-request-id": "r2" }), { detail: "slow down", code: "RATE_LIMITED", request_id: "r1" });
    expect(error).toMatchObject({ message: "Slow down.", code: "rate_limited", requestId: "r1", retryAfterSeconds: 42 });
    expect(toApiError(answer(500, { "x-request-id": "r2" }), "<html>").requestId).toBe("r2");
  });

  it("reads a date in Retry-After", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(readRetryAfter("Thu, 01 Jan 2026 00:00:09 GMT", now)).toBe(9);
    expect(readRetryAfter(null, now)).toBeNull();
    expect(readRetryAfter("soon", now)).toBeNull();
  });
});

describe("small rules", () => {
  it("rates passwords by length and variety", () => {
    expect(["short", "aaaaaaaaaa", "password1", "correct horse battery"].map(ratePassword)).toEqual([0, 1, 1, 4]);
  });

  it("finds a one-time code and not a longer number or a colour", () => {
    expect(findOneTimeCode("Your code is 482913.")).toBe("482913");
    expect(findOneTimeCode("order 12345678, colour #112233")).toBeNull();
    expect(filterMessages([{ to: "A@x.org", subject: "", text: "", html: null, sent_at: "" }], "a@X.org")).toHaveLength(1);
  });

  it("describes the history of a machine", () => {
    const words = (type: string, data: Record<string, unknown> = {}) => Object.values(describeEvent({ type, data }));
    expect(words("machine.offline", { reason: "link_lost" })).toEqual(["Went offline", "its link was lost", "bad"]);
    expect(words("machine.online", { reason: "beat" })).toEqual(["Came online", "", "ok"]);
    expect(words("gateway_rebuilt")).toEqual(["Gateway rebuilt", "", "plain"]);
    expect(words("process.crash", { name: "gateway", exitCode: 137, overview: {} })).toEqual(["Process crash", "gateway, exit code 137", "bad"]);
    expect(words("gateway.status.change", { gatewayStatus: "running", gatewayPid: 42 })).toEqual(["Gateway running", "pid 42", "ok"]);
    expect(words("command.finished", { commandType: "update_cli", status: "failed" })).toEqual(["Update CLI", "failed", "bad"]);
    expect(describeCommand("restart_gateway")).toBe("Restart gateway");
  });
});
