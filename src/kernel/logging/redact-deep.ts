/** Names whose values nobody may see, in whatever case and form they are written. */
const SECRET_NAME = /token(?!_?id|_?prefix|s_?used)|password|passwd|secret|authorization|cookie|otp|verifier|private|credential|recovery|api_?key|llm_?key|pair(ing)?_?code|sealed|^(code|auth|signature|jwt)$/i;
/** Values that are secrets by their form: our tokens, JWTs, sealed values, tokens of homeservers and providers, pairing codes. */
const SECRET_VALUE = /sett_cli_[\w.-]+|\bocp_[0-9a-f]{8,}|eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?|\bv1\.[a-z0-9]{1,8}\.[\w-]{16}\.[\w-]+|\b(syt|mat|mct|mcr)_\w{8,}|\b(sk|rk|pk|whsec)_(live_|test_)?\w{8,}|\bsk-[\w-]{12,}|Bearer\s+\S+|\bBCK-[A-Z0-9]{4}-[A-Z0-9]{4}\b/gi;

const MAX_DEPTH = 12;
const MAX_CHARS = 2_000;
export const REDACTED = "[redacted]";

/**
 * A copy of JSON-like data that may be shown to operators: values of secret names and texts of secret forms are replaced, long texts cut, depth
 * bounded. A second line: what is shown should hold no secret to begin with.
 */
export function redactDeep(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return cut(value.replace(SECRET_VALUE, REDACTED));
  if (value === null || typeof value !== "object") return value;
  if (depth >= MAX_DEPTH) return "[deeper]";
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hides(name, item) ? REDACTED : redactDeep(item, depth + 1)]));
}

/** A count or a flag of a secret's name is none (`token_count`, `hasPassword`), nor is what is absent. */
const hides = (name: string, item: unknown): boolean => item !== null && item !== undefined && typeof item !== "number" && typeof item !== "boolean" && SECRET_NAME.test(name);

const cut = (text: string): string => (text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}… (${text.length} characters)` : text);
