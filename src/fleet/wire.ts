import type { AppError } from "../kernel/errors/app-error";
import type { FamilyWire } from "../kernel/family";

/**
 * The fleet family's error body. Published CLIs read `detail` in one command and `error` in another, both as strings, so both
 * carry the same text; validation keeps the published list under `detail`.
 */
export function renderFleetError(error: AppError, requestId: string): Response {
  const headers = new Headers({ "x-request-id": requestId, "cache-control": "no-store" });
  if (error.retryAfterSeconds !== undefined) headers.set("retry-after", String(error.retryAfterSeconds));
  if (error.status === 401) headers.set("www-authenticate", "Bearer");
  const code = error.code.toLowerCase();
  const body = error.issues
    ? { detail: error.issues, error: code, code, message: error.message, request_id: requestId }
    : { detail: error.message, error: error.message, code, ...error.extras, request_id: requestId };
  return Response.json(body, { status: error.status, headers });
}

/** How failures of the fleet family look. */
export const fleetWire: FamilyWire = {
  renderError: renderFleetError,
  invalidStatus: 422,
  badCredentialStatus: 401,
  errorSchemaOf: (status) => (status === 422 ? "HTTPValidationError" : "ErrorResponse"),
  errorSchemas: {
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
  },
};
