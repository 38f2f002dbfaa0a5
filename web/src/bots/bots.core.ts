/** Bots as the console shows them: what the API lists, put together with what the live fleet says. */
import type { FleetState, MachineEntry } from "../fleet/fleet.types";
import { nameOf } from "../fleet/fleet.reducer";
import { humanise } from "../lib/format";
import { readPhase, type BotPhase } from "./bot-phase.core";
import type { Bot, BotStatus, LiveBot } from "./bots.types";

export interface BotRow {
  bot: Bot;
  /** Null while no machine of the live fleet has it. */
  live: LiveBot | null;
  /** The machine that has it, as far as the fleet is known. */
  machine: { instanceId: string; name: string; isReachable: boolean } | null;
  phase: BotPhase;
  failureReason: string | null;
}

interface LivePlace {
  entry: MachineEntry;
  live: LiveBot;
}

/** Where the live fleet sees each bot, by its id. */
export function placeBots(fleet: FleetState | undefined): Map<string, LivePlace> {
  const places = new Map<string, LivePlace>();
  for (const entry of Object.values(fleet?.entries ?? {})) {
    for (const live of entry.machine.bots) {
      // A bot that moved is on two machines for a moment; the one where it lives is right.
      const known = places.get(live.botId);
      if (!known || known.live.pairingPhase === null || known.live.pairingPhase === "closed") places.set(live.botId, { entry, live });
    }
  }
  return places;
}

/**
 * What to show of one bot. The live fleet knows best, unless the API names another machine: then the fleet is about to hear of it.
 * @param hasCode whether a code of it waits to be used
 */
export function toBotRow(bot: Bot, fleet: FleetState | undefined, places: Map<string, LivePlace>, hasCode: boolean, status?: BotStatus): BotRow {
  // What the plan switched off is on no machine, whatever the fleet has not heard of yet.
  if (bot.disabled_by_plan) return { bot, live: null, machine: null, phase: "disabled", failureReason: null };
  const place = places.get(bot.id);
  const live = place && (bot.paired_instance_id === null || bot.paired_instance_id === place.entry.machine.instanceId) ? place : undefined;
  const entry = live?.entry ?? (bot.paired_instance_id === null ? undefined : fleet?.entries[bot.paired_instance_id]);
  const instanceId = entry?.machine.instanceId ?? bot.paired_instance_id;
  const told = live ? readPhase(live.live.pairingPhase) : "unpaired";
  return {
    bot,
    live: live?.live ?? null,
    machine: instanceId === null ? null : { instanceId, name: entry ? nameOf(entry.machine) : instanceId, isReachable: entry?.machine.reachable ?? false },
    phase: told === "unpaired" ? phaseWithoutNews(bot, hasCode, status) : told,
    failureReason: live?.live.failureReason ?? (told === "unpaired" ? (status?.failureReason ?? null) : null),
  };
}

function phaseWithoutNews(bot: Bot, hasCode: boolean, status: BotStatus | undefined): BotPhase {
  if (hasCode) return "pending";
  const told = readPhase(status?.pairingPhase);
  // An old answer may still say that a code waits.
  if (told !== "unpaired" && told !== "pending") return told;
  return bot.paired_instance_id === null ? "unpaired" : "redeemed";
}

const collator = new Intl.Collator("en", { numeric: true });

/** By name; rows must not jump because a state changed. */
export function sortBots(bots: readonly Bot[]): Bot[] {
  return bots.toSorted((a, b) => collator.compare(a.bot_name.toLowerCase(), b.bot_name.toLowerCase()) || (a.id < b.id ? -1 : 1));
}

/** What it is doing, in a word or two; null when that is not known. */
export function activityText(live: Pick<LiveBot, "activityState" | "status" | "activeTask"> | null): string | null {
  if (live === null || live.status === "unknown") return null;
  if (live.status === "stopped") return "Stopped";
  if (live.status === "error") return "In error";
  switch (live.activityState) {
    case "working":
      return taskText(live.activeTask) ?? "Working";
    case "idle":
      return "Idle";
    case "stalled":
      return "Stalled";
    case "unknown":
      return live.status === "running" ? "Running" : null;
    default:
      return humanise(live.activityState);
  }
}

/** Bots write their task as they like; a short text in a usual place is shown. */
function taskText(task: Record<string, unknown> | null): string | null {
  for (const key of ["title", "name", "summary", "description"]) {
    const text = task?.[key];
    if (typeof text === "string" && text.trim() !== "") return `Working: ${text.trim().slice(0, 80)}`;
  }
  return null;
}

/** A room's name, where the bot told it; rooms are objects as the bot writes them. */
export function findRoomName(details: readonly unknown[] | null | undefined, roomId: string): string | null {
  for (const detail of details ?? []) {
    if (typeof detail !== "object" || detail === null) continue;
    const fields = detail as Record<string, unknown>;
    const id = fields["room_id"] ?? fields["roomId"] ?? fields["id"];
    const name = fields["name"] ?? fields["room_name"] ?? fields["roomName"];
    if (id === roomId && typeof name === "string" && name !== "") return name;
  }
  return null;
}

/** What changed for people between two states of the fleet, as one text: when it differs, lists of bots are read again. */
export function fleetBotsVersion(fleet: FleetState | undefined): string {
  return Object.values(fleet?.entries ?? {})
    .flatMap(({ machine }) => machine.bots.map((bot) => `${machine.instanceId}/${bot.botId}/${bot.pairingPhase}`))
    .toSorted()
    .join(" ");
}

const USERNAME = /^[a-z0-9_]+$/;
export const USERNAME_MAX = 50;

/** A name for the bot's address out of the name that people gave it. */
export function suggestUsername(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 40);
}

/** Why a username cannot be, before anybody is asked; null when it can. */
export function usernameFault(username: string): string | null {
  if (username === "") return null;
  if (!USERNAME.test(username)) return "Only small letters a–z, digits and _ are possible.";
  if (username === "_bot") return "It needs something before _bot.";
  return username.length > USERNAME_MAX ? `At most ${USERNAME_MAX} characters.` : null;
}

const MXID = /^@[^\s:@]+:[^\s:]+(?::\d{1,5})?$/;
const ROOM_ID = /^![^\s]{1,254}$/;

/** Why this cannot be somebody's Matrix id; null when it can. */
export function mxidFault(text: string): string | null {
  return MXID.test(text) ? null : "A Matrix ID looks like @name:server.";
}

/** Why this cannot be a room's id; null when it can. */
export function roomIdFault(text: string): string | null {
  if (ROOM_ID.test(text)) return null;
  return text.startsWith("#") ? "That is a room's address. Paste its internal ID, which begins with “!”." : "A room ID begins with “!”, such as !abc:server.";
}

/** The end of a day of the calendar here, as the API wants it; null when no day is chosen. @param day `YYYY-MM-DD` */
export function endOfDay(day: string): string | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) return null;
  return new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]), 23, 59, 59).toISOString();
}
