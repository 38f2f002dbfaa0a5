/** The one error that pages see, whatever went wrong between them and the API. */

interface ValidationIssue {
  loc: (string | number)[];
  msg: string;
}

interface ApiErrorFacts {
  status: number;
  code: string;
  message: string;
  fields?: Record<string, string>;
  requestId?: string | null;
  retryAfterSeconds?: number | null;
}

export class ApiError extends Error {
  readonly status: number;
  /** Lower-case slug; `network` when no answer came at all. */
  readonly code: string;
  /** Messages of a 422 by the name of the input they belong to. */
  readonly fields: Record<string, string>;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(facts: ApiErrorFacts) {
    super(facts.message);
    this.name = "ApiError";
    this.status = facts.status;
    this.code = facts.code;
    this.fields = facts.fields ?? {};
    this.requestId = facts.requestId ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIssue(value: unknown): value is ValidationIssue {
  return isRecord(value) && Array.isArray(value["loc"]) && typeof value["msg"] === "string";
}

function asSentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

function readFields(detail: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (!Array.isArray(detail)) return fields;
  for (const issue of detail) {
    if (!isIssue(issue)) continue;
    const name = issue.loc.filter((part) => part !== "body" && part !== "query" && part !== "path").at(-1);
    if (name !== undefined && !(name in fields)) fields[String(name)] = asSentence(issue.msg);
  }
  return fields;
}

/** Seconds to wait: a number, or a date as HTTP also allows. */
export function readRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - nowMs) / 1000));
}

function fallbackMessage(status: number): string {
  if (status === 404) return "That is not here any more.";
  if (status === 429) return "Too many tries in a short time. Wait a little and try again.";
  if (status >= 500) return "Sett could not answer that. It is not your fault; try again in a moment.";
  return "That did not work.";
}

/** Turns an answer that is not 2xx into the error pages work with. */
export function toApiError(response: Response, body: unknown, nowMs = Date.now()): ApiError {
  const record = isRecord(body) ? body : {};
  const detail = record["detail"];
  const fields = readFields(detail);
  const stated = [detail, record["error"]].find((text): text is string => typeof text === "string" && text !== "");
  const known = Object.keys(fields).length > 0 ? "Please check the marked fields." : fallbackMessage(response.status);
  const code = record["code"];
  const requestId = record["request_id"];
  return new ApiError({
    status: response.status,
    code: typeof code === "string" ? code.toLowerCase() : `http_${response.status}`,
    message: stated !== undefined && stated !== "validation_error" ? asSentence(stated) : known,
    fields,
    requestId: typeof requestId === "string" ? requestId : response.headers.get("x-request-id"),
    retryAfterSeconds: readRetryAfter(response.headers.get("retry-after"), nowMs),
  });
}

/** Any thrown value as an ApiError, so that pages need one kind of message. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof TypeError) {
    return new ApiError({ status: 0, code: "network", message: "Sett cannot be reached. Check the connection and try again." });
  }
  return new ApiError({ status: 0, code: "unexpected", message: thrown instanceof Error ? thrown.message : "Something broke." });
}

const PLAN_REFUSALS = ["plan_limit", "feature_not_available", "bot_disabled_by_plan", "instance_disabled_by_plan"];

/** Whether a larger plan would have allowed it. */
export const isPlanRefusal = (thrown: unknown): boolean => PLAN_REFUSALS.includes(asApiError(thrown).code);
