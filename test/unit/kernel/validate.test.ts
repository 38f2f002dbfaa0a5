import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError, type FieldIssue } from "../../../src/kernel/errors/app-error";
import { STATUS_BY_CODE } from "../../../src/kernel/errors/codes";
import { parseInput } from "../../../src/kernel/http/validate";
import { renderFleetError } from "../../../src/fleet/wire";

const Schema = z.object({
  name: z.string().min(1).max(4),
  count: z.number().max(5).optional(),
  kind: z.enum(["a", "b"]).optional(),
  email: z.email().optional(),
  tags: z.array(z.object({ label: z.string() })).optional(),
  odd: z.string().refine((text) => text !== "even", "must be odd").optional(),
});

function issuesOf(value: unknown, where: "body" | "query" | "path" = "body"): readonly FieldIssue[] {
  try {
    parseInput(Schema, value, where);
  } catch (error) {
    if (error instanceof AppError && error.code === "VALIDATION_ERROR") return error.issues ?? [];
    throw error;
  }
  return [];
}

describe("validation", () => {
  it("answers the parsed value", () => {
    expect(parseInput(Schema, { name: "ab", extra: 1 }, "body")).toEqual({ name: "ab" });
  });

  it.each([
    [{}, { loc: ["body", "name"], msg: "Field required", type: "missing" }],
    [{ name: 1 }, { loc: ["body", "name"], type: "string_type" }],
    [{ name: null }, { loc: ["body", "name"], type: "string_type" }],
    [{ name: "" }, { loc: ["body", "name"], type: "string_too_small" }],
    [{ name: "abcde" }, { loc: ["body", "name"], type: "string_too_big" }],
    [{ name: "a", count: 6 }, { loc: ["body", "count"], type: "number_too_big" }],
    [{ name: "a", kind: "c" }, { loc: ["body", "kind"], type: "invalid_value" }],
    [{ name: "a", email: "x" }, { loc: ["body", "email"], type: "invalid_email" }],
    [{ name: "a", tags: [{ label: "ok" }, {}] }, { loc: ["body", "tags", 1, "label"], type: "missing" }],
    [{ name: "a", odd: "even" }, { loc: ["body", "odd"], msg: "must be odd", type: "value_error" }],
    [[], { loc: ["body"], type: "object_type" }],
    [null, { loc: ["body"], type: "object_type" }],
  ])("of %j names place and kind", (value, issue) => {
    expect(issuesOf(value)).toMatchObject([issue]);
  });

  it("names where the value came from, and every field at fault", () => {
    expect(issuesOf({ count: "x" }, "query").map((issue) => issue.loc)).toEqual([
      ["query", "name"],
      ["query", "count"],
    ]);
  });
});

describe("errors on the fleet's wire", () => {
  it("carry the same text as detail and error, a slug and the request id", async () => {
    const response = renderFleetError(new AppError("PLAN_LIMIT", "Too many machines.", { extras: { limit: 3 } }), "req_1");
    expect(response.status).toBe(403);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ detail: "Too many machines.", error: "Too many machines.", code: "plan_limit", limit: 3, request_id: "req_1" });
  });

  it("carry the published list for validation", async () => {
    const issues = [{ loc: ["body", "name"], msg: "Field required", type: "missing" }];
    const response = renderFleetError(new AppError("VALIDATION_ERROR", "The request is invalid.", { issues }), "req_1");
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ detail: issues, error: "validation_error", code: "validation_error" });
  });

  it("tell when to come back and how to authenticate", () => {
    expect(renderFleetError(new AppError("RATE_LIMITED", "Slow down.", { retryAfterSeconds: 60 }), "r").headers.get("retry-after")).toBe("60");
    expect(renderFleetError(new AppError("TOKEN_EXPIRED", "Over."), "r").headers.get("www-authenticate")).toBe("Bearer");
  });

  it("have a client or server status each", () => {
    for (const status of Object.values(STATUS_BY_CODE)) expect(status >= 400 && status < 600).toBe(true);
  });
});
