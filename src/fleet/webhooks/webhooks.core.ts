import { DAY_MS, MINUTE_MS } from "../../kernel/clock";

/** What an event is a hint of; null: nothing that concerns us. */
export type EventSubject = "subscription" | "invoice" | "customer_deleted";

const SUBJECTS: Readonly<Record<string, EventSubject>> = {
  "checkout.session.completed": "subscription",
  "customer.subscription.created": "subscription",
  "customer.subscription.updated": "subscription",
  "customer.subscription.deleted": "subscription",
  "customer.subscription.paused": "subscription",
  "customer.subscription.resumed": "subscription",
  "subscription_schedule.updated": "subscription",
  "subscription_schedule.released": "subscription",
  "subscription_schedule.canceled": "subscription",
  "subscription_schedule.completed": "subscription",
  "invoice.paid": "invoice",
  "invoice.payment_failed": "invoice",
  "invoice.payment_action_required": "invoice",
  "invoice.finalized": "invoice",
  "invoice.voided": "invoice",
  "invoice.marked_uncollectible": "invoice",
  "customer.deleted": "customer_deleted",
};

export const subjectOf = (type: string): EventSubject | null => SUBJECTS[type] ?? null;

/** After that many tries an event waits for an operator. */
export const ATTEMPTS_MAX = 12;
/** How long an event is kept after it was dealt with. */
export const KEEP_MS = 30 * DAY_MS;

/** Whether an event that failed is to be tried again: first after a minute, then at twice the age each time, for almost three days. */
export const isDue = (event: { readonly receivedAt: number; readonly attempts: number }, nowMs: number): boolean => nowMs - event.receivedAt >= MINUTE_MS * 2 ** event.attempts;
