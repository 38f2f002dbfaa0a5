// @ts-check
/** Breaks calls on purpose. */
import { ConnectionLost } from "../homeserver/faults.mjs";
import { json, readText } from "./wire.mjs";

/**
 * - `refuse`: no connection; nothing was done
 * - `lose_answer`: done, but the connection breaks before the answer
 * - `status_500`, `status_429`, `status_403`, `redirect`, `garbage`: answered so; nothing was done
 * - `hang`: done, and never answered
 * @typedef {"refuse" | "lose_answer" | "status_500" | "status_429" | "status_403" | "redirect" | "garbage" | "hang"} FaultKind
 *
 * `match` is tried on `METHOD /path`; the fault hits `times` calls (1) of those that match.
 * @typedef {{ kind: FaultKind, match?: RegExp | string, times?: number }} Fault
 *
 * @typedef {{ method: string, path: string, form: string, idempotencyKey: string | null, version: string | null, fault: FaultKind | null }} RecordedCall
 */

const HANG_LIMIT_MS = 60_000;

/** @param {AbortSignal} signal @returns {Promise<never>} */
const hang = (signal) =>
  new Promise((_, reject) => {
    const end = () => reject(new ConnectionLost("hung up"));
    const timer = setTimeout(end, HANG_LIMIT_MS);
    if (typeof timer === "object") timer.unref?.();
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });

/** @param {FaultKind} kind @param {AbortSignal} signal @param {() => Promise<Response>} forward @returns {Promise<Response>} */
async function suffer(kind, signal, forward) {
  switch (kind) {
    case "refuse":
      throw new ConnectionLost("refused");
    case "lose_answer":
      await forward();
      throw new ConnectionLost("lost the answer");
    case "hang":
      await forward();
      return hang(signal);
    case "status_500":
      return json({ error: { type: "api_error", message: "An unknown error occurred" } }, 500);
    case "status_429":
      return json({ error: { type: "invalid_request_error", code: "rate_limit", message: "Request rate limit exceeded." } }, 429, { "retry-after": "3" });
    case "status_403":
      return json({ error: { type: "invalid_request_error", message: "The provided key 'rk_test_*********wxyz' does not have the required permissions for this endpoint." } }, 403);
    case "redirect":
      return new Response(null, { status: 302, headers: { location: "/v1/elsewhere" } });
    case "garbage":
      return new Response("<!DOCTYPE html><title>Bad gateway</title>", { status: 200, headers: { "content-type": "text/html" } });
  }
}

/** Puts faults in front of a handler, and keeps what was called. @param {(request: Request) => Promise<Response>} fetch */
export function withFaults(fetch) {
  /** @type {{ kind: FaultKind, match: RegExp, left: number }[]} */
  let armed = [];
  /** @type {RecordedCall[]} */
  let calls = [];
  return {
    /** Adds to what is armed. @param {readonly Fault[]} faults */
    arm: (...faults) => void armed.push(...faults.map(({ kind, match = "", times = 1 }) => ({ kind, match: new RegExp(match), left: times }))),
    /** Since the last clear(), oldest first. @returns {readonly RecordedCall[]} */
    calls: () => calls,
    clear: () => void ([armed, calls] = [[], []]),
    /** @param {Request} request @returns {Promise<Response>} */
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const fault = armed.find(({ match, left }) => left > 0 && match.test(`${request.method} ${pathname}`));
      if (fault) fault.left -= 1;
      const form = request.method === "GET" || request.method === "DELETE" ? search.slice(1) : await readText(request.clone());
      calls.push({ method: request.method, path: pathname, form: decodeURIComponent(form), idempotencyKey: request.headers.get("idempotency-key"), version: request.headers.get("stripe-version"), fault: fault?.kind ?? null });
      return fault ? suffer(fault.kind, request.signal, () => fetch(request)) : fetch(request);
    },
  };
}
