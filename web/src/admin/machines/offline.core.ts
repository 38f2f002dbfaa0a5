/** Why a machine is offline, from what D1 and its object know of it. The object's parts are raw, so each is read with care. */
import { countOf } from "../../lib/format";
import type { Inspection } from "../admin.types";

export interface Explanation {
  tone: "ok" | "info" | "warn" | "bad";
  title: string;
  advice: string;
  /** Since when; null when nobody knows. */
  since: string | null;
}

export interface MachineFacts {
  reachable: boolean;
  online: boolean;
  /** Whether a beat ever came. */
  isHeard: boolean;
  offlineReason: string | null;
  offlineSince: string | null;
  lastSeen: string | null;
  gatewayStatus: string | null;
  hostname: string | null;
  os: string | null;
  cliVersion: string | null;
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
/** The last instant that a date can hold. */
const MAX_MS = 8.64e15;

/** An instant that may come in ms or in ISO 8601; zero means never. */
function instant(value: unknown): string | null {
  const ms = typeof value === "number" ? value : typeof value === "string" ? Date.parse(value) : 0;
  return ms > 0 && ms <= MAX_MS ? new Date(ms).toISOString() : null;
}

/** The parts of an object that people ask for; null when the object knows no such machine. */
export function readFacts({ object }: Inspection): MachineFacts | null {
  if (object === null) return null;
  const { state, live } = object;
  return {
    reachable: state["reachable"] === true,
    online: state["online"] === true,
    isHeard: state["heard"] === true || instant(live["lastSeen"]) !== null,
    offlineReason: text(state["offlineReason"]),
    offlineSince: instant(state["offlineSince"]),
    lastSeen: instant(live["lastSeen"]),
    gatewayStatus: text(state["gatewayStatus"]),
    hostname: text(state["hostname"]),
    os: text(state["os"]),
    cliVersion: text(state["cliVersion"]),
  };
}

const REASONS: Record<string, { title: string; advice: string }> = {
  link_lost: { title: "Its link was lost", advice: "The connection broke without a goodbye: the machine sleeps, lost its network or was switched off. It comes back by itself." },
  silence: { title: "It went silent", advice: "No beat came for longer than agreed: the daemon hangs, was killed, or its network is gone. “sett doctor” on the machine says which." },
  goodbye: { title: "It said goodbye", advice: "Its daemon was stopped in order: by “sett down”, “sett logout”, or because the computer shut down. “sett up” starts it." },
  revoked: { title: "Its token was revoked", advice: "It may not speak for this account any more. Its owner must log in on the machine: “sett login”." },
  deleted: { title: "It was removed", advice: "Its owner or an administrator removed it. Registering makes it anew." },
};

/** The one sentence that a person at support needs first. */
export function explainMachine(inspection: Inspection): Explanation {
  const { row, object } = inspection;
  const facts = readFacts(inspection);
  if (row.archived_at !== null) return { tone: "info", title: "It is archived", advice: "It was taken out of the fleet and beats no more.", since: row.archived_at };
  if (facts === null || object === null) return { tone: "bad", title: "Its object knows no such machine", advice: "Its removal is under way, or broke off. If this stays so for minutes, look at the parked effects.", since: null };
  if (facts.reachable && row.plan_disabled_at === null) {
    if (facts.online) return { tone: "ok", title: "It is online", advice: "It beats, and its gateway runs.", since: row.online_changed_at };
    return { tone: "warn", title: "It is reachable, but its gateway does not run", advice: `The daemon beats and says that the gateway is ${facts.gatewayStatus ?? "unknown"}. Its owner can restart it.`, since: facts.lastSeen };
  }
  if (row.plan_disabled_at !== null) return { tone: "warn", title: "Its owner's plan switched it off", advice: "The plan carries fewer machines. A larger one, or another choice of what stays, brings it back.", since: row.plan_disabled_at };
  if (!facts.isHeard) return { tone: "warn", title: "It was registered, but never heard from", advice: "Its daemon never started or cannot reach this server. “sett doctor” on the machine says which.", since: row.created_at };
  const known = REASONS[facts.offlineReason ?? ""];
  const since = facts.offlineSince ?? facts.lastSeen ?? row.online_changed_at;
  if (known) return { tone: "bad", since, ...known };
  return { tone: "bad", title: "It is offline", advice: "Nothing says why. Its history below is all that is known.", since };
}

/** What else is odd about it, each a sentence. */
export function listOddities(inspection: Inspection): string[] {
  const { row, object } = inspection;
  const facts = readFacts(inspection);
  if (!object || !facts) return [];
  const odd: string[] = [];
  const cut = object.tokens.filter((token) => token.cut !== null);
  if (object.tokens.length > 0 && cut.length === object.tokens.length) odd.push(`${object.tokens.length === 1 ? "The only token it used is" : `All ${object.tokens.length} tokens it used are`} cut off: it must log in again.`);
  const overdue = object.alarms.filter((alarm) => alarm.overdue);
  if (overdue.length > 0) odd.push(`${countOf(overdue.length, "alarm")} overdue (${overdue.map(({ reason }) => reason).join(", ")}): should this last longer than seconds, the server is in trouble, not the machine.`);
  // One that never beat counts as online to the lists.
  if (facts.isHeard && row.online !== facts.online) odd.push(`Lists say ${row.online ? "online" : "offline"} and the machine's object says ${facts.online ? "online" : "offline"}; the object tells the lists within seconds.`);
  if (object.unannounced) odd.push("The owner's dashboard was not told of the last change yet.");
  const waiting = object.commands.filter((command) => command["state"] === "pending").length;
  if (waiting > 0) odd.push(`${countOf(waiting, "command")} wait for it.`);
  return odd;
}
