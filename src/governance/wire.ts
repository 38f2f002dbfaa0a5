import type { AppError, FieldIssue } from "../kernel/errors/app-error";
import type { ErrorCode } from "../kernel/errors/codes";
import type { FamilyWire } from "../kernel/family";

/** Names that published clients know, where the kernel's are others. */
const WIRE_CODES: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: "UNAUTHORIZED",
  TOKEN_EXPIRED: "FORBIDDEN",
  TOKEN_REVOKED: "FORBIDDEN",
  SESSION_REVOKED: "FORBIDDEN",
  INTERNAL: "INTERNAL_ERROR",
  BAD_GATEWAY: "UPSTREAM_ERROR",
  GATEWAY_TIMEOUT: "TIMEOUT",
  DEPENDENCY_UNAVAILABLE: "NOT_CONFIGURED",
};

/** A credential that is no good is 403 here; 401 is for none at all. */
const BAD_CREDENTIALS: ReadonlySet<ErrorCode> = new Set(["TOKEN_EXPIRED", "TOKEN_REVOKED", "SESSION_REVOKED"]);

const describeIssues = (issues: readonly FieldIssue[]): string => issues.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");

const statusOf = (error: AppError): number => (error.issues ? 400 : BAD_CREDENTIALS.has(error.code) ? 403 : error.status);

/** The governance family's error body: `{error, code, detail?}`. Never empty: published clients take an empty one for success. */
function renderError(error: AppError, requestId: string): Response {
  const headers = new Headers({ "x-request-id": requestId, "cache-control": "no-store" });
  const status = statusOf(error);
  if (error.retryAfterSeconds !== undefined) headers.set("retry-after", String(error.retryAfterSeconds));
  if (status === 401) headers.set("www-authenticate", "Bearer");
  const detail = error.issues ? { detail: describeIssues(error.issues) } : {};
  const code = error.reason ?? WIRE_CODES[error.code] ?? error.code;
  return Response.json({ error: error.message, code, ...detail, ...error.extras, request_id: requestId }, { status, headers });
}

/** How failures of the governance family look. */
export const governanceWire: FamilyWire = {
  renderError,
  invalidStatus: 400,
  badCredentialStatus: 403,
  errorSchemaOf: () => "ErrorResponse",
  errorSchemas: {
    ErrorResponse: {
      type: "object",
      description: "A refusal. `code` is the stable name to branch on; `detail` names the fields at fault or tells more. Some codes add fields.",
      properties: {
        error: { type: "string" },
        code: { type: "string", examples: ["TENANT_NOT_FOUND"] },
        detail: { type: "string" },
        request_id: { type: "string" },
      },
      required: ["error", "code", "request_id"],
      additionalProperties: true,
    },
  },
};
