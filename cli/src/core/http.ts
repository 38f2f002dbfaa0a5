import { CliError, EXIT, errorText } from "./errors";
import { isObject, parseJson, stringField } from "./json";
import { CLI_VERSION } from "../version";

export const REQUEST_TIMEOUT_MS = 15_000;
const DOWNLOAD_TIMEOUT_MS = 60_000;
export const USER_AGENT = `sett/${CLI_VERSION} (${process.platform}; ${process.arch}; node ${process.versions.node})`;

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text when it is not JSON. */
  readonly body: unknown;
  readonly elapsedMs: number;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** A body that is no JSON. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly timeoutMs?: number;
  readonly headers?: Record<string, string>;
}

/** The server could not be reached at all (no HTTP answer). */
export class UnreachableError extends CliError {
  constructor(server: string, detail: string) {
    super(
      EXIT.unreachable,
      `cannot reach ${server}: ${detail}`,
      "Check the address (--server or SETT_SERVER) and the network, then run: sett doctor",
      "unreachable",
    );
  }
}

/** A small client for one server and, when logged in, one token. The token only ever leaves in the Authorization header. */
export class ApiClient {
  constructor(
    readonly server: string,
    private readonly token?: string,
  ) {}

  /** Headers for a request made elsewhere (socket, stream). */
  authHeaders(): Record<string, string> {
    const headers: Record<string, string> = { "user-agent": USER_AGENT };
    if (this.token !== undefined) headers["authorization"] = `Bearer ${this.token}`;
    return headers;
  }

  /** Any HTTP answer, whatever its status. Throws UnreachableError when there is none within `timeoutMs`. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const headers: Record<string, string> = { ...this.authHeaders(), accept: "application/json", ...options.headers };
    const init: RequestInit = { method, headers, redirect: "manual", signal: AbortSignal.timeout(options.timeoutMs ?? REQUEST_TIMEOUT_MS) };
    if (options.bytes !== undefined) {
      headers["content-type"] = "application/octet-stream";
      init.body = options.bytes;
    } else if (options.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    const startedAt = performance.now();
    try {
      const response = await fetch(this.server + path, init);
      const text = await response.text();
      const elapsedMs = Math.round(performance.now() - startedAt);
      return { status: response.status, headers: response.headers, body: parseJson(text) ?? text, elapsedMs };
    } catch (error) {
      const timedOut = error instanceof Error && error.name === "TimeoutError";
      throw new UnreachableError(this.server, timedOut ? "no answer in time" : errorText(error));
    }
  }

  /**
   * The bytes of a file on this server, at most `maxBytes` of them. Throws CliError as `call` does, and when there are more.
   * `path` starts with one slash, so the token cannot be sent elsewhere.
   */
  async download(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!/^\/[^/\\]/.test(path)) throw new CliError(EXIT.refused, "that is no path on this server", undefined, "bad_path");
    try {
      const response = await fetch(this.server + path, { headers: this.authHeaders(), redirect: "manual", signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
      if (response.status !== 200 || response.body === null) {
        const text = await response.text();
        throw refusal(this.server, { status: response.status, headers: response.headers, body: parseJson(text) ?? text, elapsedMs: 0 });
      }
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of response.body) {
        size += chunk.byteLength;
        if (size > maxBytes) throw new CliError(EXIT.refused, `more than ${maxBytes} bytes`, undefined, "too_large");
        chunks.push(chunk);
      }
      return new Uint8Array(Buffer.concat(chunks));
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new UnreachableError(this.server, errorText(error));
    }
  }

  /**
   * The body of a 2xx answer. The shape comes from the published OpenAPI document, so it is asserted here, in one
   * place, and not checked again. Throws CliError: 401 → exit 3, other 4xx → 5, 5xx → 4, no answer → 4.
   */
  async call<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const answer = await this.request(method, path, options);
    if (answer.status >= 200 && answer.status < 300) return answer.body as T;
    throw refusal(this.server, answer);
  }
}

/** The error for a non-2xx answer. */
export function refusal(server: string, answer: ApiAnswer): CliError {
  const text = detailText(answer.body);
  if (answer.status === 401) {
    return new CliError(EXIT.notLoggedIn, `the server does not accept the token${text === "" ? "" : `: ${text}`}`, "Run: sett login", "token_dead");
  }
  if (answer.status >= 400 && answer.status < 500) {
    return new CliError(EXIT.refused, text === "" ? `the server answered ${answer.status}` : text, undefined, detailCode(answer.body) ?? `http_${answer.status}`, answer.status);
  }
  const location = answer.headers.get("location");
  if (answer.status >= 300 && location !== null && answer.status < 400) {
    return new CliError(EXIT.unreachable, `${server} redirects to ${location}`, "Give that address with --server.", "redirected");
  }
  return new CliError(
    EXIT.unreachable,
    `${server} answered ${answer.status}${text === "" ? "" : `: ${text}`}`,
    answer.status === 503 && detailCode(answer.body) === "matrix_unavailable" ? "The server has no homeserver for bots, or cannot reach it: whoever runs it must set or mend it (MATRIX_BASE_URL)." : "Try again in a moment; sett doctor shows what is wrong.",
    detailCode(answer.body) ?? `http_${answer.status}`,
    answer.status,
  );
}

/** The sentence in an error body: `detail`, `error` or `message`, also nested or as validation errors. */
export function detailText(body: unknown): string {
  if (typeof body === "string") return body.length <= 200 && !body.includes("<") ? body.trim() : "";
  if (!isObject(body)) return "";
  for (const key of ["detail", "message", "error"]) {
    const value = body[key];
    if (typeof value === "string") return value;
    if (Array.isArray(value) && isObject(value[0])) return stringField(value[0], "msg") ?? "";
    if (isObject(value)) return stringField(value, "message") ?? stringField(value, "detail") ?? "";
  }
  return "";
}

function detailCode(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  const code = stringField(body, "code");
  if (code !== undefined) return code;
  const nested = body["error"];
  return isObject(nested) ? stringField(nested, "code") : undefined;
}

/** Milliseconds in a Retry-After header (seconds or a date), or undefined. */
export function retryAfterMs(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
