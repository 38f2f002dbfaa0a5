import { redactDeep } from "../../kernel/logging/redact-deep";

/** A buried message as its row keeps it. */
export interface BuriedMessage {
  readonly type: string;
  readonly payload: unknown;
  /** False for what was never a job of ours: there is nothing that could be sent again. */
  readonly isJob: boolean;
}

/** Reads the text of a buried message: a job's type and payload, or whatever came instead. */
export function readBuried(text: string): BuriedMessage {
  const body = parse(text);
  if (body !== null && typeof body === "object") {
    const { v, id, type, payload } = body as Record<string, unknown>;
    if (v === 1 && typeof id === "string" && typeof type === "string") return { type, payload: payload ?? null, isJob: true };
  }
  return { type: "unknown", payload: body, isJob: false };
}

/** What operators see of a payload. Jobs carry ids, but what came from elsewhere may carry anything. */
export const shownPayload = (text: string): unknown => redactDeep(readBuried(text).payload);

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
