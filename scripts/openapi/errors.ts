import type { JsonSchema } from "./schemas";

/** The fleet family's error bodies (src/fleet/wire.ts renders them). */
export const errorSchemas: Readonly<Record<string, JsonSchema>> = {
  ErrorResponse: {
    type: "object",
    description: "A refusal. `detail` and `error` carry the same text; `code` is the stable name to branch on. Some codes add fields.",
    properties: {
      detail: { type: "string" },
      error: { type: "string" },
      code: { type: "string", examples: ["not_found"] },
      request_id: { type: "string" },
    },
    required: ["detail", "error", "code", "request_id"],
    additionalProperties: true,
  },
  HTTPValidationError: {
    type: "object",
    description: "The request does not fit its schema, or a rule names a field as wrong.",
    properties: {
      detail: { type: "array", items: { $ref: "#/components/schemas/ValidationError" } },
      error: { type: "string" },
      code: { type: "string" },
      message: { type: "string" },
      request_id: { type: "string" },
    },
    required: ["detail", "error", "code", "message", "request_id"],
  },
  ValidationError: {
    type: "object",
    properties: {
      loc: { type: "array", items: { anyOf: [{ type: "string" }, { type: "integer" }] }, description: "Where: body, query or path, then the way to the field." },
      msg: { type: "string" },
      type: { type: "string" },
    },
    required: ["loc", "msg", "type"],
  },
};

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  401: "No credential, or one that is wrong, expired or revoked",
  403: "The credential may not do this",
  404: "Not there, or somebody else's",
  409: "Conflicts with the present state",
  413: "The body is too large",
  422: "Invalid input",
  429: "Too many requests; wait for Retry-After seconds",
  503: "Unable to serve just now; try again",
};

/** The answer of one error status. */
export function errorResponse(status: number): JsonSchema {
  const schema = status === 422 ? "HTTPValidationError" : "ErrorResponse";
  return {
    description: DESCRIPTIONS[status],
    ...(status === 429 || status === 503 ? { headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } } } : {}),
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}
