import { ComputeError, type ComputeFault } from "../../kernel/ports/compute";

export type Json = Readonly<Record<string, unknown>>;

export interface Success {
  readonly ok: true;
  readonly body: Json;
}

export interface Failure {
  readonly ok: false;
  /** 0 when there was no answer. */
  readonly status: number;
  /** A name that must be unique is in use. */
  readonly nameTaken: boolean;
  readonly error: ComputeError;
}

export type Answer = Success | Failure;

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** Of the headers; the body's own goes first. */
  readonly requestId: string | null;
}

const MAX_WORDS = 200;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** The second is what PostgreSQL says; it comes with whatever status the call was not prepared for. */
const NAME_TAKEN = /already exists|already in use|already taken|duplicate key|_name_unique/i;
const NOT_UP = /instance not available/i;

/** What a failure may tell of a call. */
export interface CallName {
  /** For messages, such as `create`: no ids, no addresses. */
  readonly name: string;
  /** What was sent holds secrets, so their words, which may repeat it, are not passed on. */
  readonly confidential?: boolean;
}

/**
 * What an answer means. Every refusal of Orgo is JSON with `error`; a 4xx without it is some proxy's and says nothing, least of all that a
 * computer is gone. The same goes for what the desktop's own agent refused (`upstream_status`) of keys and addresses.
 * @param secret our key, which their words may repeat
 */
export function readAnswer({ name: call, confidential = false }: CallName, { status, text, requestId }: RawAnswer, secret: string): Answer {
  const body = parseObject(text);
  const said = typeof body?.["error"] === "string" ? body["error"] : null;
  const fail = (fault: ComputeFault, message: string): Failure => ({
    ok: false,
    status,
    nameTaken: status >= 400 && said !== null && NAME_TAKEN.test(said),
    error: new ComputeError(fault, `Orgo: ${call}: ${message}`, { providerRequestId: readRequestId(body, requestId) }),
  });
  if (status >= 200 && status < 300) {
    if (body !== null && body["success"] !== false) return { ok: true, body };
    if (body === null && text.trim() === "") return { ok: true, body: {} };
    return fail("unavailable", `it answered ${status}, which makes no sense`);
  }
  const fault = faultOf(status, said, Number.isInteger(body?.["upstream_status"]));
  return fail(fault, `it answered ${status}${said !== null && !confidential && TELLING.has(fault) ? `: ${harmless(said, secret)}` : ""}`);
}

function faultOf(status: number, said: string | null, fromDesktop: boolean): ComputeFault {
  if (status === 402) return "capacity";
  if (status === 405) return "refused";
  if (status < 400 || status >= 500 || status === 408 || status === 425 || status === 429) return "unavailable";
  if (said === null) return "unavailable";
  if (status === 401 || status === 403) return fromDesktop ? "unavailable" : "unauthorized";
  if (status === 404) return fromDesktop ? "unavailable" : "gone";
  if (status === 409) return "busy";
  return NOT_UP.test(said) ? "not_ready" : "refused";
}

/** Where their words help whoever reads them. */
const TELLING: ReadonlySet<ComputeFault> = new Set(["refused", "capacity", "busy", "not_ready"]);

/** Their words without what looks like a secret, an address or a line of a script. */
function harmless(words: string, secret: string): string {
  return words
    .replaceAll(secret, "…")
    .replace(/https?:\/\/\S+/gi, "…")
    .replace(/\S{24,}/g, "…")
    .replace(/[^\x20-\x7e…]+/g, " ")
    .trim()
    .slice(0, MAX_WORDS);
}

/** For a call that got no answer. */
export function noAnswer(call: string, why: string): Failure {
  return { ok: false, status: 0, nameTaken: false, error: new ComputeError("unavailable", `Orgo: ${call}: ${why}`) };
}

/** For a success without what it must carry. */
export const garbled = (call: string, field: string): ComputeError => new ComputeError("unavailable", `Orgo: ${call}: \`${field}\` of its answer is missing or of another kind`);

function readRequestId(body: Json | null, header: string | null): string | null {
  const id = typeof body?.["request_id"] === "string" ? body["request_id"] : header;
  return id !== null && REQUEST_ID.test(id) ? id : null;
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
