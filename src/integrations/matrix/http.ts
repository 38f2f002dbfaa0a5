import type { MatrixConfig } from "../../kernel/config";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";

/** A thousand accounts are a third of one; nothing that we ask for comes near it. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const DEFAULT_WAIT_SECONDS = 60;
const MAX_WAIT_SECONDS = 3_600;

export type Json = Readonly<Record<string, unknown>>;

/** A token, and the variable that holds it when it is ours. */
export interface Credential {
  readonly token: string;
  readonly variable: "MATRIX_ADMIN_TOKEN" | "MATRIX_AS_TOKEN" | null;
}

export interface MatrixRequest {
  readonly method: string;
  /** Made by {@link path}. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly credential?: Credential;
  readonly body?: unknown;
}

export interface MatrixReply {
  readonly request: MatrixRequest;
  readonly status: number;
  readonly body: Json;
  /** Empty on success. */
  readonly errcode: string;
}

interface Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface MatrixHttp {
  /** One exchange as it is, whatever the status. @throws AppError MATRIX_UNAVAILABLE when there was none */
  exchange(request: MatrixRequest): Promise<Exchange>;
  /**
   * One call: success, or a refusal in the homeserver's own words.
   * @throws AppError MATRIX_UNAVAILABLE (down, overloaded, nonsense), BAD_GATEWAY (our credential is no good)
   */
  call(request: MatrixRequest): Promise<MatrixReply>;
  /** The same, but being told to wait is an answer as well. */
  callWithLimit(request: MatrixRequest): Promise<MatrixReply | { readonly waitSeconds: number }>;
}

/** A path in which every value is one segment, encoded once. @throws AppError NOT_FOUND for values that no segment can carry */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  return parts.reduce((done, part, index) => `${done}${segment(ids[index - 1] ?? "")}${part}`);
}

function segment(id: string): string {
  // Dots alone would climb out of their place, and half a surrogate pair cannot be encoded.
  if (id === "" || id === "." || id === ".." || /\p{Surrogate}/u.test(id)) throw new AppError("NOT_FOUND", "The homeserver knows nothing of this name.");
  return encodeURIComponent(id);
}

export function createHttp(config: Pick<MatrixConfig, "baseUrl" | "timeoutMs">): MatrixHttp {
  const exchange = async (request: MatrixRequest): Promise<Exchange> => {
    try {
      const response = await fetch(addressOf(config.baseUrl, request), {
        method: request.method,
        headers: {
          accept: "application/json",
          "user-agent": "sett",
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
          ...(request.credential ? { authorization: `Bearer ${request.credential.token}` } : {}),
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        // A redirect would carry tokens and passwords elsewhere.
        redirect: "manual",
        signal: AbortSignal.timeout(config.timeoutMs),
      });
      return { status: response.status, headers: response.headers, text: fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES)) };
    } catch (error) {
      throw unavailable(request, wordsOf(error, request.credential));
    }
  };

  const callWithLimit = async (request: MatrixRequest): Promise<MatrixReply | { readonly waitSeconds: number }> => {
    const { status, headers, text } = await exchange(request);
    const body = parseObject(text);
    const errcode = status < 400 ? "" : readErrcode(body);
    if (status === 429) return { waitSeconds: readWait(body, headers) ?? DEFAULT_WAIT_SECONDS };
    const said = `${status}${errcode === "" ? "" : ` ${errcode}`}`;
    if (status >= 500) throw unavailable(request, `it answered ${said}`, readWait(body, headers));
    // A refusal without a code is some proxy's, and an unrecognized address is our mistake or its age: neither says anything about the matter.
    if (body === null || status < 200 || (status >= 300 && status < 400) || (status >= 400 && (errcode === "" || errcode === "M_UNRECOGNIZED"))) {
      throw unavailable(request, `it answered ${said}, which makes no sense`);
    }
    const reply = { request, status, body, errcode };
    if (status === 401 && request.credential?.variable && errcode !== "M_USER_LOCKED") throw refused(reply);
    return reply;
  };

  return {
    exchange,
    callWithLimit,
    async call(request) {
      const reply = await callWithLimit(request);
      if ("waitSeconds" in reply) throw unavailable(request, "it asks to wait", reply.waitSeconds);
      return reply;
    },
  };
}

/** What a success holds; null for names that are unknown (404), foreign or none at all (400). */
export function bodyOrNull(reply: MatrixReply): Json | null {
  return reply.status === 404 || reply.status === 400 ? null : bodyOf(reply);
}

/** What a success holds. @throws AppError for whatever else it is */
export function bodyOf(reply: MatrixReply): Json {
  if (reply.status === 200) return reply.body;
  throw unexpected(reply);
}

/** For an answer that the method has no place for. */
export function unexpected(reply: MatrixReply): AppError {
  if (reply.status === 401 || reply.status === 403) return refused(reply);
  return unavailable(reply.request, `it answered ${reply.status} ${reply.errcode}`);
}

/** For a success without what it must carry. */
export const garbled = (field: string): AppError => unavailable(null, `\`${field}\` of an answer is missing or of another type`);

function unavailable(request: MatrixRequest | null, fault: string, retryAfterSeconds?: number): AppError {
  return new AppError("MATRIX_UNAVAILABLE", "The Matrix homeserver does not answer as it should; try again later.", {
    cause: new Error(`homeserver: ${request ? `${nameOf(request)}: ` : ""}${fault}`),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** A failed fetch in its own words, which may repeat the headers it was given. */
function wordsOf(error: unknown, credential: Credential | undefined): string {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : "it cannot be reached";
  return credential ? words.replaceAll(credential.token, "…") : words;
}

/** For a credential of ours that it does not take. */
export function refused({ request, status, errcode }: MatrixReply, variable = request.credential?.variable ?? "no token of ours"): AppError {
  return new AppError("BAD_GATEWAY", "The Matrix homeserver refuses this service's own credentials; its operator must check them.", {
    cause: new Error(`homeserver: ${nameOf(request)} with ${variable} answered ${status} ${errcode}`),
  });
}

/** For logs: never the query, which may carry names, nor the body, which may carry passwords. */
const nameOf = ({ method, path: where }: MatrixRequest): string => `${method} ${where.split("?", 1)[0] ?? ""}`;

function addressOf(baseUrl: string, { path: where, query }: MatrixRequest): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return `${baseUrl}${where}${given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`}`;
}

function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** Their word, as long as it looks like one: it goes to logs. */
function readErrcode(body: Json | null): string {
  const errcode = body?.["errcode"];
  return typeof errcode === "string" && /^[A-Za-z0-9_.]{1,80}$/.test(errcode) ? errcode : "";
}

function readWait(body: Json | null, headers: Headers): number | undefined {
  const ms = body?.["retry_after_ms"];
  const seconds = typeof ms === "number" ? ms / 1_000 : Number(headers.get("retry-after") ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), MAX_WAIT_SECONDS) : undefined;
}
