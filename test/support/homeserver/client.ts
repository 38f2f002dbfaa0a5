import { env } from "cloudflare:workers";
import type { Fault, RecordedCall } from "./faults.mjs";

/** The homeserver of the project `homeserver`, as its tests see it, and the faults in front of it. */

interface Bindings {
  readonly MATRIX_BASE_URL: string;
  readonly MATRIX_SERVER_NAME: string;
  readonly MATRIX_ADMIN_TOKEN: string;
  readonly MATRIX_AS_TOKEN: string;
  readonly MATRIX_REGISTRATION_SECRET: string;
}

const bindings = env as unknown as Bindings;

export const homeserver = {
  serverName: bindings.MATRIX_SERVER_NAME,
  adminToken: bindings.MATRIX_ADMIN_TOKEN,
  asToken: bindings.MATRIX_AS_TOKEN,
  registrationSecret: bindings.MATRIX_REGISTRATION_SECRET,
};

/** What any answer may hold; a test looks at what it expects. */
export interface MatrixBody {
  readonly errcode?: string;
  readonly [key: string]: unknown;
}

export interface MatrixAnswer {
  readonly status: number;
  readonly body: MatrixBody;
}

export interface MatrixOptions {
  readonly token?: string | undefined;
  /** Whom the application service acts as; its token then. */
  readonly as?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** A path with what varies in it encoded: matrixPath`/_matrix/client/v3/join/${roomId}`. */
export function matrixPath(texts: TemplateStringsArray, ...values: readonly string[]): string {
  return texts.map((text, index) => text + (index < values.length ? encodeURIComponent(values[index] ?? "") : "")).join("");
}

/** Calls the homeserver as the product does, through the faults. */
export async function matrix(method: string, path: string, { token, as, query, body, signal }: MatrixOptions = {}): Promise<MatrixAnswer> {
  const url = new URL(bindings.MATRIX_BASE_URL + path);
  for (const [name, value] of Object.entries({ ...query, ...(as === undefined ? {} : { user_id: as }) })) url.searchParams.set(name, value);
  const bearer = as === undefined ? token : homeserver.asToken;
  const init = { method, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }) };
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text) as MatrixBody) : { text } };
}

const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(`http://faults.test${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
};

/** Faults between this worker and its homeserver. Tests of one file run one after the other, and so do the files. */
export const faults = {
  /** Adds to what is armed. */
  arm: async (...armed: readonly Fault[]): Promise<void> => void (await control("POST", "/arm", armed.map((fault) => ({ ...fault, match: fault.match instanceof RegExp ? fault.match.source : fault.match })))),
  /** Calls since the last clear, or since an earlier answer's `next`. */
  calls: async (since = 0) => (await control("GET", `/calls?since=${since}`)) as { readonly calls: readonly RecordedCall[]; readonly next: number },
  /** Disarms everything and forgets the calls. */
  clear: async (): Promise<void> => void (await control("POST", "/clear")),
};
