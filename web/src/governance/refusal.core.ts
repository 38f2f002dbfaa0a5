/** Refusals of the governance API, `{error, code, detail?}`, as the one error that pages see. */
import { ApiError, toApiError } from "../api/errors";

const asSentence = (text: string): string => {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
};

/** "body.name: Field required; body.domains.0: …" as texts by the path of the input; a detail of any other shape is no list of fields. */
function readDetail(detail: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const part of detail.split("; ")) {
    const match = /^(?:body|query|path)\.([\w.-]+): (.+)$/s.exec(part);
    if (match?.[1] === undefined || match[2] === undefined) return {};
    fields[match[1]] ??= asSentence(match[2]);
  }
  return fields;
}

/** Turns an answer that is not 2xx into the error pages work with: the fields of a 400 are named by their paths. */
export function readRefusal(response: Response, body: unknown): ApiError {
  const known = toApiError(response, body);
  const facts = typeof body === "object" && body !== null ? body : {};
  const stated = "error" in facts && typeof facts.error === "string" && facts.error !== "" ? asSentence(facts.error) : null;
  const detail = "detail" in facts && typeof facts.detail === "string" ? facts.detail : "";
  const fields = readDetail(detail);
  const hasFields = Object.keys(fields).length > 0;
  return new ApiError({
    status: known.status,
    code: known.code,
    message: hasFields ? "Please check the marked fields." : [stated ?? known.message, ...(stated !== null && detail !== "" ? [asSentence(detail)] : [])].join(" "),
    fields,
    requestId: known.requestId,
    retryAfterSeconds: known.retryAfterSeconds,
  });
}

/** What is wrong with an input and whatever it holds: `domains` finds `domains.allow.0` too. */
export function faultOf(error: ApiError | null, path: string): string | null {
  if (error === null) return null;
  const hit = Object.entries(error.fields).find(([name]) => name === path || name.startsWith(`${path}.`));
  return hit?.[1] ?? null;
}
