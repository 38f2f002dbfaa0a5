import { fromUtf8 } from "../../kernel/crypto/bytes";
import { readBodyBytes } from "../../kernel/http/read-body";
import { SECOND_MS } from "../../kernel/clock";
import { noAnswer, readAnswer, type Answer, type CallName, type Failure, type RawAnswer } from "./answers";

/** A computer in a list is half a KiB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** What Orgo asks its clients to wait between tries. */
const RETRY_WAITS_MS = [SECOND_MS, 2 * SECOND_MS, 4 * SECOND_MS];

export interface OrgoCall extends CallName {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the base address; ids in it are checked before. */
  readonly path: string;
  readonly body?: unknown;
  /** Whether a second one does no harm when the first took effect. */
  readonly repeatable: boolean;
}

/** The end of a call of the port, with all the requests that it takes. */
export interface TimeLimit {
  /** ms left; 0 when it is over. */
  left(): number;
  /** Waits, unless it would be over by then: false. */
  pause(ms: number): Promise<boolean>;
}

export interface OrgoHttp {
  /** One call, repeated where that is harmless and in time. Never throws. */
  call(call: OrgoCall, limit: TimeLimit): Promise<Answer>;
}

export function timeLimit(ms: number): TimeLimit {
  const endsAt = Date.now() + ms;
  const left = () => Math.max(0, endsAt - Date.now());
  return {
    left,
    async pause(wait) {
      if (wait >= left()) return false;
      await new Promise((resolve) => setTimeout(resolve, wait));
      return true;
    },
  };
}

/** @param retryWaitsMs waits before the second, third… try */
export function createHttp(config: { readonly apiKey: string; readonly baseUrl: string }, retryWaitsMs: readonly number[] = RETRY_WAITS_MS): OrgoHttp & { readonly retryWaitsMs: readonly number[] } {
  const attempt = async (call: OrgoCall, limit: TimeLimit): Promise<{ answer: Answer; waitMs: number }> => {
    const leftMs = limit.left();
    if (leftMs === 0) return { answer: noAnswer(call.name, "no answer in time"), waitMs: 0 };
    const signal = AbortSignal.timeout(leftMs);
    try {
      const response = await fetch(`${config.baseUrl}${call.path}`, {
        method: call.method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${config.apiKey}`,
          "user-agent": "sett",
          ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        // A redirect would carry our key elsewhere.
        redirect: "manual",
        signal,
      });
      const raw: RawAnswer = { status: response.status, requestId: response.headers.get("x-request-id"), text: fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES)) };
      return { answer: readAnswer(call, raw, config.apiKey), waitMs: readWaitMs(response.headers) };
    } catch {
      // The runtime's own words may repeat addresses and headers.
      return { answer: noAnswer(call.name, signal.aborted ? "no answer in time" : "it cannot be reached"), waitMs: 0 };
    }
  };

  return {
    retryWaitsMs,
    async call(call, limit) {
      let last = await attempt(call, limit);
      for (const waitMs of retryWaitsMs) {
        if (last.answer.ok || !mayRepeat(call, last.answer)) break;
        if (!(await limit.pause(Math.max(waitMs, last.waitMs)))) break;
        last = await attempt(call, limit);
      }
      return last.answer;
    },
  };
}

/** 429 is said before anything is done. */
const mayRepeat = (call: OrgoCall, { status, error, nameTaken }: Failure): boolean => status === 429 || (call.repeatable && error.fault === "unavailable" && !nameTaken);

function readWaitMs(headers: Headers): number {
  const seconds = Number(headers.get("retry-after") ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? seconds * SECOND_MS : 0;
}
