/** Words for a machine's own history. Types it does not know are shown as they come. */
import { offlineReasonText } from "../fleet/machine-status";
import { capitalise, humanise } from "../lib/format";

type EventTone = "ok" | "bad" | "warn" | "plain";

const TITLES: Record<string, string> = {
  "machine.online": "Came online",
  "machine.offline": "Went offline",
  "machine.registered": "Registered",
  "machine.link": "Link changed",
  "gateway.status.change": "Gateway changed",
  "gateway.restart.requested": "Restart requested",
  "gateway.restart.completed": "Gateway restarted",
  "command.update": "Command",
};

/** The last word of a type decides its colour: `process.crash` and `crash` are alike. */
const TONES: Record<string, EventTone> = {
  start: "ok",
  started: "ok",
  online: "ok",
  completed: "ok",
  registered: "ok",
  crash: "bad",
  crashed: "bad",
  failed: "bad",
  offline: "bad",
  stop: "warn",
  stopped: "warn",
  restart: "warn",
  requested: "warn",
};

const HIDDEN = new Set(["type", "at", "instanceId", "instance_id", "commandId", "command_id", "overview", "machine", "id"]);

export function describeEvent(type: string): string {
  return TITLES[type] ?? capitalise(humanise(type));
}

export function eventTone(type: string): EventTone {
  return TONES[type.split(/[._]/).at(-1) ?? ""] ?? "plain";
}

/** The plain values of an event, briefly: "name gateway, pid 4242". */
export function describeData(data: Record<string, unknown> | null): string {
  if (data === null) return "";
  return Object.entries(data)
    .flatMap(([key, value]) => {
      if (HIDDEN.has(key) || (typeof value !== "string" && typeof value !== "number") || value === "") return [];
      if (key === "name") return [String(value)];
      if (key === "reason" && typeof value === "string") return [offlineReasonText(value) ?? value];
      return [`${humanise(key.replace(/([a-z])([A-Z])/g, "$1_$2")).toLowerCase()} ${value}`];
    })
    .slice(0, 4)
    .join(", ");
}
