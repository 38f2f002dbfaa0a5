/** Refusals about plans and payments in human words. */
import { asApiError } from "../api/errors";

interface Problem {
  title: string;
  advice: string;
}

const PROBLEMS: Record<string, Problem> = {
  dependency_unavailable: {
    title: "Card payments cannot be reached.",
    advice: "Nothing was changed and nothing was charged. If this server never took payments, its operator must connect them first (STRIPE_SECRET_KEY). Otherwise try again in a minute.",
  },
  managed_by_apple: { title: "This plan was bought in the App Store.", advice: "Change or cancel it on your iPhone or iPad: Settings, your name, Subscriptions." },
  already_subscribed: { title: "You have a subscription already.", advice: "Nothing was charged again. This page shows it in a moment; change its plan instead." },
  payment_failed: { title: "Your card was refused.", advice: "Your plan is as it was. Update the card under “Card and invoices” and try again." },
  payment_overdue: { title: "A payment is overdue.", advice: "Update the card first; then you can change the plan." },
  same_plan: { title: "You are on this plan already.", advice: "Nothing was changed." },
  subscription_canceling: { title: "Your plan is going to end.", advice: "Take the cancellation back first." },
  change_pending: { title: "Another change waits for the end of the period.", advice: "Undo it first." },
  request_resolved: { title: "This is settled already.", advice: "Somebody chose meanwhile, here or elsewhere; look again." },
  change_in_progress: { title: "Your plan is just being changed.", advice: "Look again in a minute." },
};

/** Null for what has no better words than the server's own. */
export const findPlanProblem = (thrown: unknown): Problem | null => PROBLEMS[asApiError(thrown).code] ?? null;
