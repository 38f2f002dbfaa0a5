import type { z } from "zod";
import { AppError, type FieldIssue } from "../errors/app-error";

type Issue = z.core.$ZodIssue;

/**
 * Parses `value`, or says which fields are wrong.
 * @param where first element of every `loc`: body, query or path
 * @throws AppError VALIDATION_ERROR
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where: "body" | "query" | "path"): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AppError("VALIDATION_ERROR", "The request is invalid.", { issues: result.error.issues.map((issue) => toFieldIssue(issue, value, where)) });
}

function toFieldIssue(issue: Issue, root: unknown, where: string): FieldIssue {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const missing = issue.code === "invalid_type" && valueAt(root, path) === undefined;
  return { loc: [where, ...path], msg: missing ? "Field required" : issue.message, type: missing ? "missing" : issueType(issue) };
}

function issueType(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `${issue.expected}_type`;
    case "too_small":
      return `${issue.origin}_too_small`;
    case "too_big":
      return `${issue.origin}_too_big`;
    case "invalid_format":
      return `invalid_${issue.format}`;
    case "custom":
      return "value_error";
    default:
      return issue.code;
  }
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let node: unknown = root;
  for (const part of path) {
    if (node === null || typeof node !== "object") return undefined;
    node = (node as Record<string | number, unknown>)[part];
  }
  return node;
}
