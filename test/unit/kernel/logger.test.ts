import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogger, describeError, redact } from "../../../src/kernel/logging/logger";

const SECRET_NAMES = [
  "token",
  "access_token",
  "refresh_token",
  "refreshToken",
  "password",
  "new_password",
  "secret",
  "client_secret",
  "authorization",
  "Authorization",
  "cookie",
  "set-cookie",
  "otp",
  "otp_code",
  "code_verifier",
  "api_key",
  "apikey",
  "private_key",
  "body",
  "code",
  "key",
];

describe("the logger", () => {
  it("writes one JSON line with level, message and event", () => {
    const lines: [string, string][] = [];
    const log = createLogger({ request_id: "req_1" }, (level, line) => lines.push([level, line]));
    log.info("it ran", { event: "thing.ran", count: 2 });
    log.warn("it limped", { event: "thing.limped" });
    log.error("it fell", { event: "thing.fell" });
    expect(lines.map(([level]) => level)).toEqual(["log", "warn", "error"]);
    expect(JSON.parse(lines[0]?.[1] ?? "")).toEqual({ level: "info", message: "it ran", request_id: "req_1", event: "thing.ran", count: 2 });
  });

  it.each(SECRET_NAMES)("redacts %s, in fields and in the base", (name) => {
    expect(redact({ [name]: "hunter2", event: "x" })).toEqual({ [name]: "[redacted]", event: "x" });
    const lines: string[] = [];
    createLogger({ [name]: "hunter2" }, (_level, line) => lines.push(line)).info("m", { event: "x" });
    expect(lines[0]).not.toContain("hunter2");
  });

  it.each(["token_id", "cli_token_id", "error_code", "effect_id", "request_id", "error_message", "status", "key_id", "count"])("keeps %s", (name) => {
    expect(redact({ [name]: "kept" })).toEqual({ [name]: "kept" });
  });

  it("never lets a value through under a name that ends like a secret", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z_]{0,12}$/), fc.constantFrom("token", "password", "secret", "cookie"), (head, tail) => {
        expect(redact({ [head + tail]: "hunter2" })).toEqual({ [head + tail]: "[redacted]" });
      }),
    );
  });

  it("describes errors by class and a short message", () => {
    class Odd extends Error {
      override name = "Odd";
      readonly secret = "hunter2";
    }
    expect(describeError(new Odd("m".repeat(600)))).toEqual({ error_name: "Odd", error_message: "m".repeat(500) });
    expect(describeError("text")).toEqual({ error_name: "unknown", error_message: "text" });
  });
});
