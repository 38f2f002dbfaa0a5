import { SECOND_MS } from "../../kernel/clock";
import type { StripeConfig } from "../../kernel/config";
import type { Payments } from "../../kernel/ports/payments";
import { createCalls } from "./calls";
import { createCheckouts } from "./checkout";
import { createInvoices } from "./invoices";
import { createSchedules } from "./schedules";
import { createSubscriptions } from "./subscriptions";
import { createWebhooks } from "./webhooks";

/** Charging a card takes Stripe seconds. */
const TIMEOUT_MS = 10 * SECOND_MS;

/** Everything that needs Stripe's library. @param timeoutMs longest time for one call with its retries */
export function createClient(config: StripeConfig, timeoutMs = TIMEOUT_MS): Payments {
  const calls = createCalls(config, timeoutMs);
  return { ...createCheckouts(calls, config), ...createSubscriptions(calls), ...createSchedules(calls), ...createInvoices(calls), ...createWebhooks(config) };
}
