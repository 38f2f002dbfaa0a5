/** Choosing what stays when a plan carries less, and what comes back when it carries more. No I/O, no clock. */
import { countOf } from "../lib/format";
import type { DowngradeFeature, DowngradeItem, Meter, Offer, Upgrade, UpgradeFeature } from "./plan.types";

const DAY_MS = 86_400_000;

interface Words {
  one: string;
  many: string;
  title: string;
  /** What happens to those that are not kept. */
  parted: string;
  isPartingFinal: boolean;
}

const WORDS: Record<string, Words> = {
  multiple_openclaw_instances: {
    one: "machine",
    many: "machines",
    title: "Machines",
    parted: "The others are parked: they stay listed, but take no commands and pair no bots. A larger plan brings them back.",
    isPartingFinal: false,
  },
  max_bots: { one: "bot", many: "bots", title: "Bots", parted: "The others are switched off: they leave their machine and stop answering. Names and rooms are kept, and a larger plan brings them back.", isPartingFinal: false },
  max_bot_shares: { one: "share", many: "shares", title: "Bot shares", parted: "The others end: those people lose the bot. You would have to share it with them again.", isPartingFinal: true },
};

export function wordsOf(feature: string): Words {
  return WORDS[feature] ?? { one: "item", many: "items", title: feature.replace(/_/g, " "), parted: "The others are switched off.", isPartingFinal: false };
}

/** "6 days left to choose", "less than a day left to choose"; once over: null. */
export function graceText(graceEndsAt: string, nowMs: number): string | null {
  const left = Date.parse(graceEndsAt) - nowMs;
  if (left <= 0) return null;
  return left < DAY_MS ? "less than a day left to choose" : `${countOf(Math.ceil(left / DAY_MS), "day")} left to choose`;
}

/** What is still to be chosen. */
export const openFeatures = <T extends { resolved?: boolean | undefined }>(features: readonly T[]): T[] => features.filter(({ resolved }) => resolved !== true);

/** "3 machines and 2 bots too many". */
export function describeExcess(features: readonly DowngradeFeature[]): string | null {
  const parts = openFeatures(features)
    .filter(({ current_count, limit }) => limit >= 0 && current_count > limit)
    .map(({ feature, current_count, limit }) => countOf(current_count - limit, wordsOf(feature).one, wordsOf(feature).many));
  if (parts.length === 0) return null;
  return `${listWords(parts)} too many`;
}

/** What is used of a plan that carries less, as {@link describeExcess} says it; null when all of it fits. */
export function excessBeyond(offer: Offer, meters: readonly Meter[]): string | null {
  const features = meters.flatMap(({ key, used }) => {
    const limit = offer.features.find((feature) => feature.key === key)?.value;
    return key in WORDS && typeof limit === "number" ? [{ feature: key, limit, current_count: used, items: [], resolved: false }] : [];
  });
  return describeExcess(features);
}

const seenAt = ({ last_seen }: DowngradeItem): number => Date.parse(last_seen ?? "") || 0;

/** Those used last first: what the server itself would keep, and what is ticked to begin with. */
export const byLastUse = (items: readonly DowngradeItem[]): DowngradeItem[] => items.toSorted((a, b) => seenAt(b) - seenAt(a) || (a.label ?? a.id).localeCompare(b.label ?? b.id));

/** How many may be kept. */
export const roomToKeep = ({ items, limit }: DowngradeFeature): number => (limit < 0 ? items.length : limit);

export const suggestKept = (feature: DowngradeFeature): string[] =>
  byLastUse(feature.items)
    .slice(0, roomToKeep(feature))
    .map(({ id }) => id);

export interface Selection {
  /** "2 of 3 chosen". */
  text: string;
  /** Why it cannot be sent; null when it can. */
  fault: string | null;
}

/** @param room how many may be chosen */
export function judgeSelection(chosen: ReadonlySet<string>, room: number, feature: string, verb: "keep" | "bring back"): Selection {
  const { one, many } = wordsOf(feature);
  const count = chosen.size;
  const text = `${count} of ${countOf(room, one, many)} chosen`;
  if (count <= room) return { text, fault: null };
  const over = count - room;
  return { text, fault: room === 0 ? `The plan carries no ${many}.` : `You can ${verb} ${countOf(room, one, many)}. Take ${over} away.` };
}

/** How many parked things may come back. */
export const roomFor = ({ new_limit, currently_active, parked_items }: UpgradeFeature): number => (new_limit < 0 ? parked_items.length : Math.max(0, Math.min(parked_items.length, new_limit - currently_active)));

/** What is ticked to begin with: what was parked last. */
export function suggestReturning(feature: UpgradeFeature): string[] {
  return feature.parked_items
    .toSorted((a, b) => (Date.parse(b.parked_at ?? "") || 0) - (Date.parse(a.parked_at ?? "") || 0))
    .slice(0, roomFor(feature))
    .map(({ id }) => id);
}

/** "2 bots and 1 machine". */
export function describeParked(request: Upgrade): string {
  const parts = openFeatures(request.features)
    .filter(({ parked_items }) => parked_items.length > 0)
    .map(({ feature, parked_items }) => countOf(parked_items.length, wordsOf(feature).one, wordsOf(feature).many));
  return listWords(parts);
}

const REASONS: Record<string, string> = {
  payment_failure: "The last payment failed",
  user_manual: "You chose a smaller plan",
  admin_manual: "An administrator changed your plan",
};

export const describeReason = (reason: string): string => REASONS[reason] ?? "Your plan became smaller";

const NAMES_SHOWN = 3;

/** "den, attic and 4 more". */
export function listNames(names: readonly string[]): string {
  const shown = names.length > NAMES_SHOWN + 1 ? names.slice(0, NAMES_SHOWN) : names;
  const rest = names.length - shown.length;
  return listWords(rest > 0 ? [...shown, `${rest} more`] : shown);
}

/** "a, b and c". */
function listWords(words: readonly string[]): string {
  const last = words.at(-1) ?? "nothing";
  return words.length <= 1 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
