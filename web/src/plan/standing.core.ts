/** The plan that somebody is on, in plain words: why, until when, and what comes next. No I/O, no clock. */
import { countOf, formatDay } from "../lib/format";
import type { Interval, Subscription } from "./plan.types";

/** Why somebody is on their plan. */
export type PlanSource = "card" | "apple" | "given" | "trial" | "free";
export type StandingTone = "ok" | "warn" | "bad" | "quiet";

export interface Standing {
  plan: string;
  source: PlanSource;
  /** Null where the plan's name says it all. */
  badge: string | null;
  tone: StandingTone;
  /** Sentences, the most important first. */
  lines: string[];
  interval: Interval | null;
  canCancel: boolean;
  canChange: boolean;
  /** What an undo takes back; null when nothing is on its way. */
  undo: "change" | "cancellation" | null;
  /** Whether the card and its invoices are kept by the payment provider. */
  hasPortal: boolean;
}

const DAY_MS = 86_400_000;

const SOURCES: Record<string, PlanSource> = { stripe: "card", apple: "apple", admin_override: "given", operator: "given", trial: "trial", free: "free" };

/** "1 day", "9 days": what is left, the day begun counted. */
export function daysLeft(until: string, nowMs: number): string {
  const days = Math.ceil((Date.parse(until) - nowMs) / DAY_MS);
  return days <= 0 ? "no time" : countOf(days, "day");
}

const readSource = (source: Subscription["source"]): PlanSource => SOURCES[source] ?? "free";

export function describeStanding(subscription: Subscription, nowMs: number): Standing {
  const source = readSource(subscription.source);
  const ends = subscription.subscription_ends_at;
  const base: Standing = {
    plan: subscription.plan_name,
    source,
    badge: "Active",
    tone: "ok",
    lines: [],
    interval: subscription.interval,
    canCancel: source === "card" && subscription.can_cancel,
    canChange: source === "card" && subscription.can_change_plan,
    undo: source !== "card" ? null : subscription.is_canceling ? "cancellation" : subscription.pending_change_date !== null ? "change" : null,
    hasPortal: source !== "apple" && subscription.stripe_customer_id !== null,
  };
  switch (source) {
    case "card":
      return { ...base, ...describeCard(subscription, ends) };
    case "apple":
      return { ...base, ...describeApple(subscription, ends) };
    case "given":
      return { ...base, badge: "Given", lines: ["An administrator gave you this plan. Nothing is charged.", ...(ends ? [`It lasts until ${formatDay(ends)}.`] : [])] };
    case "trial":
      return { ...base, ...describeTrial(ends, nowMs) };
    case "free":
      return { ...base, ...describeFree(subscription, ends) };
  }
}

function describeFree({ status }: Subscription, ends: string | null): Partial<Standing> {
  if (status === "past_due" || status === "grace") {
    return { badge: "Payment failed", tone: "bad", lines: ["Your card was refused for a week, so you are on Free now.", "Update the card to pay what is due: then your plan comes back by itself."] };
  }
  const past = status === "canceled" ? [ends ? `Your subscription ended on ${formatDay(ends)}.` : "Your subscription has ended."] : [];
  return { badge: null, tone: "quiet", lines: [...past, "Nothing is charged. Choose a plan below to have more."] };
}

function describeCard(subscription: Subscription, ends: string | null): Partial<Standing> {
  if (subscription.status === "past_due" || subscription.status === "grace") {
    const { grace_until: until } = subscription;
    return {
      badge: "Payment failed",
      tone: "bad",
      lines: [until ? `Your card was refused. Everything stays on until ${formatDay(until)}.` : "Your card was refused. Nothing is switched off yet.", "Update the card, and the payment is tried again."],
    };
  }
  if (subscription.is_canceling) {
    return { badge: "Ends soon", tone: "warn", lines: [ends ? `You keep everything until ${formatDay(ends)}; then you are on Free.` : "You keep everything until the period you paid for ends; then you are on Free.", "Nothing more is charged."] };
  }
  if (subscription.pending_change_date !== null) {
    const day = formatDay(subscription.pending_change_date);
    const next = subscription.pending_plan_name;
    const isSamePlan = next === null || next === subscription.plan_name;
    return { badge: "Change planned", tone: "warn", lines: [isSamePlan ? `How often you pay changes on ${day}.` : `Changes to ${next} on ${day}. Until then you keep everything.`] };
  }
  return { lines: ends ? [`Renews on ${formatDay(ends)}.`] : [] };
}

function describeApple(subscription: Subscription, ends: string | null): Partial<Standing> {
  const where = "Change or cancel it on your iPhone or iPad: Settings, your name, Subscriptions.";
  if (subscription.status === "past_due" || subscription.status === "grace") {
    return { badge: "Payment failed", tone: "bad", lines: ["Apple could not charge you. Nothing is switched off yet.", "Update how you pay in the App Store.", where] };
  }
  if (subscription.is_canceling) return { badge: "Ends soon", tone: "warn", lines: [ends ? `It ends on ${formatDay(ends)}.` : "It will not renew.", where] };
  return { lines: [...(ends ? [`Renews on ${formatDay(ends)}.`] : []), where] };
}

function describeTrial(until: string | null, nowMs: number): Partial<Standing> {
  if (until === null) return { badge: "Trial", tone: "quiet", lines: ["You are trying Sett. Nothing is charged."] };
  const isShort = Date.parse(until) - nowMs < 3 * DAY_MS;
  return {
    badge: `${daysLeft(until, nowMs)} left`,
    tone: isShort ? "warn" : "quiet",
    lines: [`Your trial ends on ${formatDay(until)}. Nothing is charged, then or before.`, "Choose a plan to keep what you have built; without one you are on Free afterwards."],
  };
}

/** A plan's name as people read it, where perhaps only its key is known. */
export function planLabel(key: string): string {
  if (key === "free_trial") return "Trial";
  if (/[A-Z ]/.test(key)) return key;
  const words = key.replace(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
