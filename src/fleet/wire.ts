import type { AppError } from "../kernel/errors/app-error";

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
