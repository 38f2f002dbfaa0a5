/** Words for a machine's own history. Types it does not know are shown as they come. */
import type { MachineHistoryEvent } from "../api/live-types";
import { failureText, PHASE_WORDS, readPhase, type PhaseTone } from "../bots/bot-phase.core";
import { offlineReasonText } from "../fleet/machine-status";
import { capitalise, humanise } from "../lib/format";

type EventTone = "ok" | "bad" | "warn" | "plain";

interface EventWords {
  title: string;
  details: string;
  tone: EventTone;
}

const TITLES: Record<string, string> = {
  "machine.online": "Came online",
  "machine.offline": "Went offline",
  "machine.registered": "Registered",
  "machine.link": "Link changed",
  "gateway.restart.requested": "Restart requested",
  "gateway.restart.completed": "Gateway restarted",
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

const STATUS_TONES: Record<string, EventTone> = {
  running: "ok",
  success: "ok",
  crashed: "bad",
  failed: "bad",
  stopped: "warn",
  restarting: "warn",
};

const HIDDEN = new Set(["type", "at", "instanceId", "instance_id", "commandId", "command_id", "overview", "machine", "id"]);

const NO_NAMES: ReadonlyMap<string, string> = new Map();
const PHASE_TONES: Record<PhaseTone, EventTone> = { ok: "ok", info: "plain", warn: "warn", bad: "bad", quiet: "plain" };

/** "Fox: live", "Fox: degraded, it reports an error". */
function describePairing({ botId, pairingPhase, failureReason }: Record<string, unknown>, botNames: ReadonlyMap<string, string>): EventWords {
  const name = (typeof botId === "string" ? botNames.get(botId) : undefined) ?? "Bot";
  if (pairingPhase === "closed") return { title: `${name} left`, details: "", tone: "plain" };
  const phase = readPhase(typeof pairingPhase === "string" ? pairingPhase : null);
  const { label, tone } = PHASE_WORDS[phase];
  return { title: `${name}: ${label.toLowerCase()}`, details: failureText(typeof failureReason === "string" ? failureReason : null) ?? "", tone: PHASE_TONES[tone] };
}

/** What a history entry says: its title, the rest in a few words, and how grave it is. */
export function describeEvent({ type, data }: Pick<MachineHistoryEvent, "type" | "data">, botNames: ReadonlyMap<string, string> = NO_NAMES): EventWords {
  const facts = data ?? {};
  if (type === "bot.pairing.change") return describePairing(facts, botNames);
  const { gatewayStatus, gatewayPid, commandType, status } = facts;
  if (type === "gateway.status.change" && typeof gatewayStatus === "string") {
    const details = typeof gatewayPid === "number" ? `pid ${gatewayPid}` : "";
    return { title: `Gateway ${humanise(gatewayStatus)}`, details, tone: STATUS_TONES[gatewayStatus] ?? "plain" };
  }
  if (type === "command.finished" && typeof commandType === "string" && typeof status === "string") {
    const details = status === "success" ? "done" : humanise(status);
    return { title: describeCommand(commandType), details, tone: STATUS_TONES[status] ?? "plain" };
  }
  // A machine comes online by being heard, and its label is in the heading of the page.
  if (type === "machine.online" || type === "machine.registered") return { title: TITLES[type] ?? type, details: "", tone: "ok" };
  return {
    title: TITLES[type] ?? capitalise(humanise(type)),
    details: describeFacts(facts),
    tone: TONES[type.split(/[._]/).at(-1) ?? ""] ?? "plain",
  };
}

export function describeCommand(commandType: string): string {
  return capitalise(humanise(commandType)).replace(/\bcli\b/i, "CLI");
}

/** The plain values of an event, briefly: "gateway, pid 4242". */
function describeFacts(facts: Record<string, unknown>): string {
  return Object.entries(facts)
    .flatMap(([key, value]) => {
      if (HIDDEN.has(key) || (typeof value !== "string" && typeof value !== "number") || value === "") return [];
      if (key === "name") return [String(value)];
      if (key === "reason" && typeof value === "string") return [offlineReasonText(value) ?? value];
      return [`${humanise(key.replace(/([a-z])([A-Z])/g, "$1_$2")).toLowerCase()} ${value}`];
    })
    .slice(0, 4)
    .join(", ");
}
