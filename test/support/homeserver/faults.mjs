/** Breaks calls on purpose: a homeserver that refuses, forgets to answer, answers late or nonsense. */

/** How a handler says that there is no answer; who serves it breaks the connection. */
export class ConnectionLost extends Error {
  /** @override */
  name = "ConnectionLost";
}

/**
 * - `refuse`: no connection; nothing was done
 * - `lose_answer`: done, but the connection breaks before the answer
 * - `status_500`, `status_429`: answered so; nothing was done
 * - `status_500_after`: done, and answered 500
 * - `hang`: done, and never answered
 * - `garbage`: answered 200 with a page of HTML; nothing was done
 * @typedef {"refuse" | "lose_answer" | "status_500" | "status_500_after" | "status_429" | "hang" | "garbage"} FaultKind
 *
 * `match` is tried on `METHOD /path` as it was called (decoded, without query) and on its template. The fault hits `times` calls
 * (1) from the `nth` (0) of those that match, counted since it was armed.
 * @typedef {{ kind: FaultKind, match?: RegExp | string, nth?: number, times?: number }} Fault
 *
 * What was called. `as` is whom the application service acted as; `status` is the homeserver's, null while or when it was not asked.
 * @typedef {{ method: string, path: string, url: string, as: string | null, status: number | null, fault: FaultKind | null }} RecordedCall
 *
 * @typedef {(request: Request) => Promise<Response>} FetchHandler
 */

const HANG_LIMIT_MS = 60_000;

const KINDS = new Set(["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "hang", "garbage"]);

/** @param {string} segment */
function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** `:name` in place of ids, so that calls of one kind look alike. @param {readonly string[]} segments decoded */
function template(segments) {
  const sigils = new Map([["@", ":userId"], ["!", ":roomId"], ["#", ":alias"]]);
  return segments
    .map((segment, index) => {
      const sigil = sigils.get(segment.slice(0, 1));
      if (sigil) return sigil;
      if (segments[index - 1] === "devices") return ":deviceId";
      if (segments[index - 1] === "delete_status") return ":deleteId";
      return segments[index - 2] === "send" ? ":txnId" : segment;
    })
    .join("/");
}

/** @param {number} status @param {Record<string, unknown>} body @param {Record<string, string>} [headers] */
const answer = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/** @param {AbortSignal} signal @returns {Promise<never>} */
const hang = (signal) =>
  new Promise((_, reject) => {
    const end = () => reject(new ConnectionLost("hung up"));
    const timer = setTimeout(end, HANG_LIMIT_MS);
    if (typeof timer === "object") timer.unref?.();
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });

/** @param {FaultKind} kind @param {Request} request @param {() => Promise<Response>} forward @returns {Promise<Response>} */
async function suffer(kind, request, forward) {
  switch (kind) {
    case "refuse":
      throw new ConnectionLost("refused");
    case "lose_answer":
      await forward();
      throw new ConnectionLost("lost the answer");
    case "status_500":
      return answer(500, { errcode: "M_UNKNOWN", error: "Internal server error" });
    case "status_500_after":
      await forward();
      return answer(500, { errcode: "M_UNKNOWN", error: "Internal server error" });
    case "status_429":
      return answer(429, { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: 3_000 }, { "retry-after": "3" });
    case "hang":
      await forward();
      return hang(request.signal);
    case "garbage":
      return new Response("<!DOCTYPE html><title>Bad gateway</title>", { status: 200, headers: { "content-type": "text/html" } });
  }
}

/**
 * Puts faults in front of a handler. Without any armed it only records.
 * @param {FetchHandler} fetch
 */
export function withFaults(fetch) {
  /** @type {{ kind: FaultKind, match: RegExp, nth: number, times: number, seen: number }[]} */
  let armed = [];
  /** @type {RecordedCall[]} */
  let calls = [];
  let forgotten = 0;

  /** The fault for this call, if any; every armed one counts it. @param {readonly string[]} names */
  const draw = (names) => {
    const hits = armed.filter(({ match }) => names.some((name) => match.test(name))).filter((fault) => fault.seen++ >= fault.nth && fault.seen <= fault.nth + fault.times);
    return hits[0]?.kind ?? null;
  };

  const control = {
    /** Adds to what is armed. @param {readonly Fault[]} faults */
    arm(...faults) {
      for (const { kind } of faults) if (!KINDS.has(kind)) throw new Error(`no such fault: ${kind}`);
      armed.push(...faults.map(({ kind, match = "", nth = 0, times = 1 }) => ({ kind, match: new RegExp(match), nth, times, seen: 0 })));
    },
    /** Calls since the last clear(), or since an earlier answer's `next`, oldest first. @param {number} [since] @returns {{ calls: readonly RecordedCall[], next: number }} */
    calls: (since = 0) => ({ calls: calls.slice(Math.max(0, since - forgotten)), next: forgotten + calls.length }),
    /** Disarms everything and forgets the calls. */
    clear() {
      armed = [];
      forgotten += calls.length;
      calls = [];
    },
    /** The same three over HTTP: POST /arm (a fault or a list), GET /calls?since=, POST /clear. @param {Request} request @returns {Promise<Response>} */
    async serve(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/calls") return answer(200, control.calls(Number(searchParams.get("since") ?? 0)));
      if (pathname === "/clear") return (control.clear(), answer(200, {}));
      if (pathname !== "/arm") return answer(404, { error: "POST /arm, GET /calls or POST /clear" });
      try {
        control.arm(...[await request.json()].flat());
      } catch (error) {
        return answer(400, { error: String(error) });
      }
      return answer(200, {});
    },
  };

  return {
    control,
    /** @param {Request} request @returns {Promise<Response>} */
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      const segments = pathname.split("/").map(decode);
      /** @type {RecordedCall} */
      const call = { method: request.method, path: template(segments), url: segments.join("/"), as: searchParams.get("user_id"), status: null, fault: null };
      calls.push(call);
      const forward = async () => {
        const response = await fetch(request);
        call.status = response.status;
        return response;
      };
      call.fault = draw([`${call.method} ${call.url}`, `${call.method} ${call.path}`]);
      return call.fault === null ? forward() : suffer(call.fault, request, forward);
    },
  };
}
