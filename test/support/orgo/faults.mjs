// @ts-check
/** Breaks calls on purpose. */
import { ConnectionLost } from "../homeserver/faults.mjs";
import { refusal } from "./wire.mjs";

/**
 * Kinds of calls. A `bash` with one of our scripts is also `bash:probe`, `bash:install` or `bash:setup`.
 * @typedef {"list_workspaces" | "make_workspace" | "list" | "create" | "get" | "start" | "stop" | "restart" | "destroy" | "bash" | "bash:probe" | "bash:install" | "bash:setup" | "unknown"} CallKind
 */

/**
 * - `refuse`: no connection; nothing was done
 * - `lose_answer`: done, but the connection breaks before the answer
 * - `status_500`, `status_503`, `status_429`, `status_402`: answered so; nothing was done
 * - `status_500_after`: done, and answered 500
 * - `hang`: done, and never answered
 * - `hang_before`: nothing done, never answered
 * - `late`: never answered, and done `ms` (1000) after the call: whoever asked has given up
 * - `slow`: done and answered after `ms` (300)
 * - `garbage`: answered 200 with a page of HTML; nothing was done. `garbage_after`: done
 * - `answer`: `status` with `error` in its body, or without a body of JSON when there is none; nothing was done
 * @typedef {"refuse" | "lose_answer" | "status_500" | "status_503" | "status_500_after" | "status_429" | "status_402" | "hang" | "hang_before" | "late" | "slow" | "garbage" | "garbage_after" | "answer"} FaultKind
 */

/**
 * Hits `times` calls (1) of kind `call` (all), about the computer of that `name` (any), from the `nth` (0) of those since it was armed.
 * @typedef {{ kind: FaultKind, call?: CallKind, name?: string, nth?: number, times?: number, ms?: number, status?: number, error?: string, upstreamStatus?: number }} Fault
 */

const HANG_LIMIT_MS = 60_000;
const KINDS = new Set(["refuse", "lose_answer", "status_500", "status_503", "status_500_after", "status_429", "status_402", "hang", "hang_before", "late", "slow", "garbage", "garbage_after", "answer"]);

/** @param {AbortSignal} signal @returns {Promise<never>} */
const hang = (signal) =>
  new Promise((_, reject) => {
    const end = () => reject(new ConnectionLost("hung up"));
    setTimeout(end, HANG_LIMIT_MS).unref();
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });

const page = () => new Response("<!DOCTYPE html><title>Bad gateway</title>", { status: 200, headers: { "content-type": "text/html" } });

/** @param {Fault} fault @param {AbortSignal} signal @param {() => Promise<Response>} forward @returns {Promise<Response>} */
export async function suffer({ kind, ms, status = 500, error, upstreamStatus }, signal, forward) {
  switch (kind) {
    case "refuse":
      throw new ConnectionLost("refused");
    case "lose_answer":
      await forward();
      throw new ConnectionLost("lost the answer");
    case "status_500":
      return refusal(500, "Internal server error");
    case "status_503":
      return refusal(503, "Could not reach the desktop. Try again in a moment.");
    case "status_500_after":
      await forward();
      return refusal(500, "Internal server error");
    case "status_429":
      return refusal(429, "Too many requests", { "retry-after": "1" });
    case "status_402":
      return refusal(402, "Insufficient credits");
    case "hang":
      await forward();
      return hang(signal);
    case "hang_before":
      return hang(signal);
    case "late":
      setTimeout(() => void forward().catch(() => undefined), ms ?? 1_000).unref();
      return hang(signal);
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, ms ?? 300));
      return forward();
    case "garbage":
      return page();
    case "garbage_after":
      await forward();
      return page();
    case "answer":
      if (error === undefined) return new Response("<html>no</html>", { status, headers: { "content-type": "text/html" } });
      return new Response(JSON.stringify({ error, request_id: crypto.randomUUID(), ...(upstreamStatus === undefined ? {} : { upstream_status: upstreamStatus }) }), { status, headers: { "content-type": "application/json" } });
  }
}

/** The armed faults. */
export function createArmoury() {
  /** @type {(Fault & { seen: number })[]} */
  let armed = [];
  return {
    /** Adds to what is armed. @param {readonly Fault[]} faults */
    arm(...faults) {
      for (const { kind } of faults) if (!KINDS.has(kind)) throw new Error(`no such fault: ${kind}`);
      armed.push(...faults.map((fault) => ({ ...fault, seen: 0 })));
    },
    disarm: () => void (armed = []),
    /** The fault for this call, if any; every armed one of its kind counts it. @param {CallKind} call @param {string | null} name @returns {Fault | null} */
    draw(call, name) {
      const meant = armed.filter((fault) => (fault.call === undefined || fault.call === call || call.startsWith(`${fault.call}:`)) && (fault.name === undefined || fault.name === name));
      return meant.filter((fault) => fault.seen++ >= (fault.nth ?? 0) && fault.seen <= (fault.nth ?? 0) + (fault.times ?? 1))[0] ?? null;
    },
  };
}
