import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import { AppError } from "../../kernel/errors/app-error";
import { readOutsideUrl } from "../../kernel/http/outside-url";
import { readBodyBytes } from "../../kernel/http/read-body";

const CALL_MS = 10 * SECOND_MS;
/** One visit of a catalogue, all its pages. */
const VISIT_MS = MINUTE_MS;
const VISIT_BYTES = 64 * 1024 * 1024;
const MAX_REDIRECTS = 3;

interface Fetched {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Where it came from in the end. */
  readonly url: URL;
}

/** Asks others, within one visit's time and bytes: never a private host, never a host to which another one points. */
export interface Visitor {
  /** @throws AppError BAD_GATEWAY */
  get(url: string, options: { readonly accept: string; readonly maxBytes: number }): Promise<Fetched>;
}

export const unusable = (why: string): AppError => new AppError("BAD_GATEWAY", `The source ${why}.`);

/** @param isLocal whether plain HTTP and hosts of this machine are asked, too */
export function createVisitor(isLocal: boolean): Visitor {
  const ends = Date.now() + VISIT_MS;
  let bytesLeft = VISIT_BYTES;
  return {
    async get(text, { accept, maxBytes }) {
      let url = readOutsideUrl(text, isLocal);
      for (let redirects = 0; url && redirects <= MAX_REDIRECTS; redirects++) {
        const left = ends - Date.now();
        if (left <= 0) throw unusable("takes too long");
        const response = await ask(url, accept, Math.min(CALL_MS, left));
        const location = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
        if (location === null) {
          const fetched = await read(response, url, Math.min(maxBytes, bytesLeft));
          bytesLeft -= fetched.bytes.byteLength;
          return fetched;
        }
        await response.body?.cancel();
        const next: URL | null = URL.canParse(location, url.href) ? readOutsideUrl(new URL(location, url.href).href, isLocal) : null;
        if (next?.host !== url.host) throw unusable("points to another host");
        url = next;
      }
      throw unusable(url ? "redirects too often" : "has an address that is not asked");
    },
  };
}

async function ask(url: URL, accept: string, timeoutMs: number): Promise<Response> {
  try {
    return await fetch(url.href, { headers: { accept, "user-agent": "sett" }, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw unreachable(error);
  }
}

async function read(response: Response, url: URL, maxBytes: number): Promise<Fetched> {
  if (!response.ok) {
    await response.body?.cancel();
    throw unusable(`answered ${response.status}`);
  }
  try {
    return { bytes: await readBodyBytes(response, maxBytes), contentType: response.headers.get("content-type") ?? "", url };
  } catch (error) {
    if (error instanceof AppError && error.code === "PAYLOAD_TOO_LARGE") throw unusable(`answered more than ${maxBytes} bytes`);
    throw unreachable(error);
  }
}

const unreachable = (cause: unknown): AppError => new AppError("BAD_GATEWAY", cause instanceof Error && cause.name === "TimeoutError" ? "The source does not answer in time." : "The source cannot be reached.", { cause });
