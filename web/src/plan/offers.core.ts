/** Plans that can be had: prices, what they carry, and what choosing one does. No I/O. */
import type { Standing } from "./standing.core";
import type { Interval, Offer, OfferFeature } from "./plan.types";

/** What choosing a plan does for somebody who is where they are. */
export type OfferAction =
  | { kind: "current" }
  /** Nothing to be done here, and why. */
  | { kind: "none"; why: string }
  | { kind: "subscribe" | "up" | "down" | "yearly" | "monthly"; priceId: string }
  /** To the free plan: the subscription is cancelled. */
  | { kind: "cancel" };

export interface Place {
  standing: Standing;
  /** Key of the plan they are on. */
  planKey: string;
  /** Its tier; a plan that is in no list has less than any. */
  tier: number;
}

const none = (why: string): OfferAction => ({ kind: "none", why });

/** @param interval the period that is on show */
export function chooseAction(offer: Offer, interval: Interval, place: Place): OfferAction {
  const { standing, planKey, tier } = place;
  const { priceId } = offer[interval];
  const isSame = offer.key === planKey;
  if (standing.source === "card") return chooseChange(offer, interval, place);
  if (standing.source === "apple") return isSame ? { kind: "current" } : none("Change it in the App Store");
  if (isSame) return standing.source === "free" || priceId === null ? { kind: "current" } : { kind: "subscribe", priceId };
  if (isFree(offer)) return none(standing.source === "trial" ? "What you have after the trial" : "Less than you have");
  if (standing.source === "given" && offer.tier <= tier) return none("Less than you have");
  return priceId === null ? none("Not sold here") : { kind: "subscribe", priceId };
}

/** For who pays by card: more and longer at once, less and shorter from the end of the paid period. */
function chooseChange(offer: Offer, interval: Interval, { standing, planKey, tier }: Place): OfferAction {
  const { priceId } = offer[interval];
  const isSame = offer.key === planKey;
  if (isSame && (standing.interval === null || standing.interval === interval || priceId === null)) return { kind: "current" };
  const isMore = offer.tier > tier || (isSame && interval === "year");
  if (standing.undo === "cancellation") return none("Undo the cancellation first");
  if (standing.undo === "change" && !isMore) return none("Undo the planned change first");
  if (!standing.canChange && standing.undo === null) return none("Pay what is due first");
  if (priceId === null) return isFree(offer) ? { kind: "cancel" } : none("Not sold here");
  if (isSame) return { kind: interval === "year" ? "yearly" : "monthly", priceId };
  return { kind: isMore ? "up" : "down", priceId };
}

export const isFree = (offer: Offer): boolean => offer.key === "free" || (!offer.month.amount && !offer.year.amount && offer.month.priceId === null && offer.year.priceId === null);

/** Media as plans count them: 1000 MB are a GB there. */
export function formatMedia(megabytes: number): string {
  if (megabytes < 1000) return `${Math.round(megabytes).toLocaleString()} MB`;
  return `${(megabytes / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} GB`;
}

/** "$9", "9,99 €": without needless zeros. @param amount whole units */
export function formatPrice(amount: number, currency: string): string {
  const isWhole = Number.isInteger(amount);
  return money(currency, isWhole ? 0 : undefined).format(amount);
}

/** What was paid. @param minor the currency's smallest unit, which not all have two digits of */
export function formatPaid(minor: number, currency: string): string {
  const format = money(currency);
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

function money(currency: string, digits?: number): Intl.NumberFormat {
  const fraction = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: currency.toUpperCase(), ...fraction });
  } catch {
    return new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2, ...fraction });
  }
}

/** What a year at once saves against twelve months, in whole per cent; null when nothing. */
export function yearlySaving(offer: Offer): number | null {
  const { amount: month } = offer.month;
  const { amount: year } = offer.year;
  if (!month || !year) return null;
  const percent = Math.round((1 - year / (month * 12)) * 100);
  return percent > 0 ? percent : null;
}

const COUNTED: Record<string, readonly [string, string]> = {
  multiple_openclaw_instances: ["machine", "machines"],
  max_bots: ["bot", "bots"],
  max_bot_shares: ["bot share", "bot shares"],
  cloud_vm_included: ["cloud machine included", "cloud machines included"],
};

/** A feature as a line of a price list; null for what the plan has not. */
export function featureLine({ key, name, value, label }: OfferFeature): string | null {
  if (label) return label;
  if (value === false || value === 0 || value === "") return null;
  const counted = COUNTED[key];
  if (counted) {
    if (value === null) return `Any number of ${counted[1]}`;
    if (typeof value === "number") return `${value.toLocaleString()} ${value === 1 ? counted[0] : counted[1]}`;
  }
  if (key === "storage_mb") return value === null ? "Any amount of media" : typeof value === "number" ? `${formatMedia(value)} of media` : null;
  if (value === true) return name;
  if (value === null) return `${name}: no limit`;
  return `${name}: ${value}`;
}

/** What a change to another plan means, before it is made. @param paidUntil the day the paid period ends, as people read it */
export function describeChange(action: OfferAction["kind"], plan: string, paidUntil: string | null): string {
  const end = paidUntil ?? "the period you paid for ends";
  switch (action) {
    case "up":
      return `You are on ${plan} at once. Your card is charged the difference now: the new price for the rest of the period, less what you have paid for it already.`;
    case "down":
      return `You keep what you have until ${end}, and are on ${plan} from then. Nothing is charged now, and nothing is paid back. If you then use more than ${plan} carries, you have seven days to choose what to keep. You can undo this until then.`;
    case "yearly":
      return "Your card is charged for a year now, less what you have paid already for the rest of the period.";
    case "monthly":
      return `You go on paying by the year until ${end}, and by the month from then. You can undo this until then.`;
    case "cancel":
      return `You keep everything until ${end}, and are on Free from then. Nothing more is charged. If you then use more than Free carries, you have seven days to choose what to keep; nothing is deleted. You can undo this until then.`;
    default:
      return "";
  }
}
