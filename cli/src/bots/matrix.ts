import { errorText } from "../core/errors";
import { isObject, parseJson, stringField } from "../core/json";
import type { BotRecord } from "./bot-record";

const MATRIX_LIMIT_MS = 15_000;

/** What became of a call to the homeserver in a bot's name. */
export type MatrixOutcome =
  | { readonly kind: "ok" }
  /** The homeserver does not know the token (any more). */
  | { readonly kind: "token_dead" }
  | { readonly kind: "refused"; readonly status: number; readonly text: string }
  | { readonly kind: "unreachable"; readonly text: string };

/** Asks the homeserver whose token that is. Never rejects. */
export function whoAmI(record: BotRecord, signal?: AbortSignal): Promise<MatrixOutcome> {
  return call(record, "GET", "/_matrix/client/v3/account/whoami", undefined, signal);
}

/** Has a bot leave a room. Never rejects. */
export function leaveRoom(record: BotRecord, roomId: string): Promise<MatrixOutcome> {
  return call(record, "POST", `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/leave`, {});
}

async function call(record: BotRecord, method: string, path: string, body?: object, stop?: AbortSignal): Promise<MatrixOutcome> {
  const abort = new AbortController();
  const end = (): void => abort.abort();
  const timer = setTimeout(end, MATRIX_LIMIT_MS);
  stop?.addEventListener("abort", end, { once: true });
  try {
    const response = await fetch(record.homeserver + path, {
      method,
      headers: { authorization: `Bearer ${record.access_token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      // A redirect would carry the token to another host.
      redirect: "manual",
      signal: abort.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = parseJson(await response.text());
    if (response.status >= 200 && response.status < 300) return { kind: "ok" };
    const code = isObject(answer) ? (stringField(answer, "errcode") ?? "") : "";
    // A 401 of a proxy is no word about the token.
    if (response.status === 401 && (code === "M_UNKNOWN_TOKEN" || code === "M_MISSING_TOKEN")) return { kind: "token_dead" };
    if (response.status >= 500 || response.status === 429) return { kind: "unreachable", text: `the homeserver answered ${response.status}` };
    return { kind: "refused", status: response.status, text: `the homeserver answered ${response.status}${code === "" ? "" : ` ${code}`}` };
  } catch (error) {
    return { kind: "unreachable", text: abort.signal.aborted ? "no answer in time" : errorText(error) };
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", end);
  }
}
