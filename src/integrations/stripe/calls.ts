import { Stripe } from "stripe";
import type { StripeConfig } from "../../kernel/config";
import { readRefusal, toAppError, type Refusal } from "./errors";

/** Of calls that failed on the way, of 409 and of 5xx. POSTs carry an idempotency key each, ours or the library's, so that a repeat does nothing twice. */
const RETRIES = 2;

/** A success, or a refusal for the method to make sense of. */
export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export interface StripeCalls {
  /** One call whose refusals mean something. @param name for logs @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY, IDEMPOTENCY_CONFLICT */
  attempt<T>(name: string, work: (stripe: Stripe) => Promise<T>): Promise<Attempt<T>>;
  /** One read; null for what does not exist. @throws AppError as well for every other refusal */
  find<T>(name: string, work: (stripe: Stripe) => Promise<T>): Promise<T | null>;
}

/** @param timeoutMs for one call with its retries; the pauses before the last, hopeless ones may add a second */
export function createCalls(config: Pick<StripeConfig, "secretKey" | "apiBase">, timeoutMs: number): StripeCalls {
  const attempt = async <T>(name: string, work: (stripe: Stripe) => Promise<T>): Promise<Attempt<T>> => {
    try {
      return { ok: true, value: await work(connect(config, timeoutMs)) };
    } catch (error) {
      const refusal = readRefusal(name, error);
      if (refusal) return { ok: false, refusal };
      throw toAppError(name, error);
    }
  };
  return {
    attempt,
    async find(name, work) {
      const answer = await attempt(name, work);
      if (answer.ok) return answer.value;
      if (answer.refusal.code === "resource_missing") return null;
      throw answer.refusal.unexpected;
    },
  };
}

/** One per call, which is cheap, because the time limit is the call's: the library itself only limits each try. */
function connect({ secretKey, apiBase }: Pick<StripeConfig, "secretKey" | "apiBase">, timeoutMs: number): Stripe {
  const deadline = AbortSignal.timeout(timeoutMs);
  const send = (address: string | URL | Request, init?: RequestInit): Promise<Response> =>
    fetch(address, {
      ...init,
      // A redirect would carry our key elsewhere.
      redirect: "manual",
      signal: init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline,
    });
  return new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(send),
    maxNetworkRetries: RETRIES,
    timeout: timeoutMs,
    telemetry: false,
    ...(apiBase === null ? {} : addressOf(new URL(apiBase))),
  });
}

function addressOf({ protocol, hostname, port }: URL): { readonly protocol: "http" | "https"; readonly host: string; readonly port: string } {
  return protocol === "http:" ? { protocol: "http", host: hostname, port: port || "80" } : { protocol: "https", host: hostname, port: port || "443" };
}
