import { nestsWithin } from "../../kernel/http/read-body";

export const ENDPOINT_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const MAX_TEXT_CHARS = 1024 * 1024;
const MAX_DEPTH = 64;
const REDACTED = "[redacted]";

/** Only what the homeserver's own interfaces are, in a form that every server and proxy on the way reads alike. */
export function isSafeEndpoint(endpoint: string): boolean {
  const [path = ""] = endpoint.split("?", 1);
  if (!/^\/_(matrix|synapse)\//.test(path) || !/^[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*$/.test(endpoint)) return false;
  if (/%(?![0-9A-Fa-f]{2})/.test(endpoint)) return false;
  // Encoded dots, slashes and percent signs mean one thing to whom decodes and another to whom does not; control characters nothing good.
  if (/%(2[EFef5]|5[Cc]|[01][0-9A-Fa-f]|7[Ff])/.test(path)) return false;
  return path.split("/").slice(1, -1).every((part) => !["", ".", ".."].includes(part)) && !/\/\.{1,2}$/.test(path);
}

/** Fields that hold credentials by their name. Tokens that only say where a list goes on stay. */
const SECRET_FIELD = /^(?!(next|prev|from|to|start|end|batch|sync)_token$)(.*[_-])?(token|secret|password|macaroon|nonce|mac|authorization|cookie|cookie2)$/i;
/** What looks like a credential wherever it stands: Synapse's tokens, its authentication service's, JWTs, macaroons, bearer headers. */
const SECRET_VALUE = /\b(sy[tlr]_[\w=-]{6,}|m[acr][trs]_[\w=-]{6,}|eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?|MDA[\w-]{24,}|Bearer\s+\S+)/g;

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface ShownAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly data: unknown;
  readonly text: string | null;
  readonly success: boolean;
  readonly error: string | null;
  readonly errcode: string | null;
}

/** An answer as it may be shown: parsed when it is JSON, and without credentials. `secrets` are those that we know. */
export function showAnswer({ status, headers, text }: RawAnswer, secrets: readonly string[]): ShownAnswer {
  const clean = (value: string): string => secrets.reduce((left, secret) => left.replaceAll(secret, REDACTED), value).replace(SECRET_VALUE, REDACTED);
  const data = text.length <= MAX_TEXT_CHARS ? parse(text) : undefined;
  const shown = data === undefined ? null : redact(data, clean);
  const field = (name: string): string | null => {
    const value = typeof shown === "object" && shown !== null ? (shown as Readonly<Record<string, unknown>>)[name] : null;
    return typeof value === "string" ? value : null;
  };
  const success = status >= 200 && status < 300;
  return {
    status,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecretField(name) ? REDACTED : clean(value)])),
    data: shown,
    text: data === undefined && text !== "" ? clean(text.slice(0, MAX_TEXT_CHARS)) : null,
    success,
    error: success ? null : (field("error") ?? `The homeserver answered ${status}.`),
    errcode: success ? null : field("errcode"),
  };
}

const isSecretField = (name: string): boolean => SECRET_FIELD.test(name);

/** Undefined when it is no JSON, or nests deeper than we walk. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return nestsWithin(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

function redact(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((item) => redact(item, clean));
  if (typeof value !== "object" || value === null) return value;
  // Names may be anything, "__proto__" too.
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [clean(name), isSecretField(name) && inner !== null ? REDACTED : redact(inner, clean)]));
}
