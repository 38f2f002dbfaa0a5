import { parseHeartbeat } from "../../src/fleet/machines/heartbeat.core";
import { MAX_JSON_DEPTH, nestsWithin } from "../../src/kernel/http/read-body";
import type { CommandResult } from "./instance.rpc";
import type { HeartbeatPayload } from "./machine.rpc";

/** Largest frame a machine may send, characters. */
const FRAME_MAX = 256 * 1024;

export type Frame =
  | { readonly t: "beat"; readonly payload: HeartbeatPayload }
  | { readonly t: "ack"; readonly id: string }
  | { readonly t: "result"; readonly id: string; readonly result: CommandResult }
  | { readonly t: "bye" }
  | { readonly t: "invalid"; readonly re: string; readonly detail: string }
  | { readonly t: "tooLarge" };

/** Reads one frame of the machine socket (docs/design/live-wire.md §2). Never throws: a bad frame is refused, the socket stays. */
export function readFrame(message: string | ArrayBuffer, instanceId: string): Frame {
  if (typeof message !== "string") return { t: "invalid", re: "frame", detail: "Frames are text." };
  if (message.length > FRAME_MAX) return { t: "tooLarge" };
  let frame: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(message);
    if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) return { t: "invalid", re: "frame", detail: "A frame is a JSON object." };
    if (!nestsWithin(parsed, MAX_JSON_DEPTH)) return { t: "invalid", re: "frame", detail: `JSON should nest at most ${MAX_JSON_DEPTH} levels.` };
    frame = parsed as Record<string, unknown>;
  } catch {
    return { t: "invalid", re: "frame", detail: "A frame is a JSON object." };
  }
  const { t, id } = frame;
  switch (t) {
    case "beat": {
      const { t: _, ...fields } = frame;
      const parsed = parseHeartbeat(fields, instanceId);
      if (parsed.ok) return { t: "beat", payload: parsed.payload };
      const [first] = parsed.issues;
      return { t: "invalid", re: "beat", detail: `${first?.loc.slice(1).join(".") ?? "beat"}: ${first?.msg ?? "invalid"}` };
    }
    case "bye":
      return { t: "bye" };
    case "ack":
      return typeof id === "string" ? { t: "ack", id } : { t: "invalid", re: "ack", detail: "id: Field required" };
    case "result":
      return readResult(frame);
    default:
      return { t: "invalid", re: typeof t === "string" ? t.slice(0, 40) : "frame", detail: "t: unknown kind of frame" };
  }
}

function readResult({ id, status, result, new_version: newVersion }: Record<string, unknown>): Frame {
  if (typeof id !== "string") return { t: "invalid", re: "result", detail: "id: Field required" };
  if (status !== "success" && status !== "failed") return { t: "invalid", re: "result", detail: "status: must be success or failed" };
  if (typeof result !== "string") return { t: "invalid", re: "result", detail: "result: Input should be a valid string" };
  if (newVersion !== undefined && newVersion !== null && typeof newVersion !== "string") return { t: "invalid", re: "result", detail: "new_version: Input should be a valid string" };
  return { t: "result", id, result: { status, result, newVersion: typeof newVersion === "string" ? newVersion : null } };
}
