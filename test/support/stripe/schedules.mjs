// @ts-check
/** Schedules: phases of a subscription, one after the other. */
import { priceOf, updated } from "./subscriptions.mjs";
import { addInterval, idOf, itemOf } from "./state.mjs";
import { formOf, integer, invalid, listOf, missing, missingParam, required, text } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Schedule} Schedule */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./wire.mjs").Form} Form */
/** @typedef {import("stripe").Stripe.SubscriptionSchedule.Phase} Phase */

/** @param {{ currency: string, price: string, quantity: number, start: number, end: number, prorations: string, trialEnd: number | null }} given @returns {Phase} */
const newPhase = ({ currency, price, quantity, start, end, prorations, trialEnd }) => ({
  add_invoice_items: [],
  application_fee_percent: null,
  billing_cycle_anchor: null,
  billing_thresholds: null,
  collection_method: null,
  currency,
  default_payment_method: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  end_date: end,
  invoice_settings: null,
  items: [{ billing_thresholds: null, discounts: [], metadata: {}, plan: price, price, quantity, tax_rates: [] }],
  metadata: {},
  on_behalf_of: null,
  proration_behavior: prorations,
  start_date: start,
  transfer_data: null,
  trial_end: trialEnd,
});

/** @param {State} state @param {import("./state.mjs").Subscription} subscription @returns {Schedule} */
function fromSubscription(state, subscription) {
  const { price, quantity = 1, current_period_start: start, current_period_end: end } = itemOf(subscription);
  return {
    id: state.nextId("sub_sched"),
    object: "subscription_schedule",
    application: null,
    billing_mode: subscription.billing_mode,
    canceled_at: null,
    completed_at: null,
    created: state.now(),
    current_phase: { start_date: start, end_date: end },
    customer: idOf(subscription.customer),
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      billing_cycle_anchor: "automatic",
      billing_thresholds: null,
      collection_method: "charge_automatically",
      default_payment_method: null,
      description: null,
      invoice_settings: { account_tax_ids: null, custom_fields: null, days_until_due: null, description: null, footer: null, issuer: { type: "self" } },
      on_behalf_of: null,
      transfer_data: null,
    },
    end_behavior: subscription.cancel_at === null ? "release" : "cancel",
    livemode: state.livemode,
    metadata: {},
    pause_schedules: [],
    phases: [newPhase({ currency: price.currency, price: price.id, quantity, start, end, prorations: "create_prorations", trialEnd: subscription.trial_end })],
    released_at: null,
    released_subscription: null,
    status: "active",
    subscription: subscription.id,
    test_clock: null,
  };
}

/** @param {State} state @param {string} id */
function find(state, id) {
  const schedule = state.schedules.get(id);
  if (!schedule) throw missing("subscription_schedule", id, "schedule");
  return schedule;
}

/** @param {Schedule} schedule @param {string} verb */
function requireRunning({ status }, verb) {
  if (status !== "active" && status !== "not_started") {
    throw invalid(`You cannot ${verb} a subscription schedule that is currently in the \`${status}\` status. It must be in \`not_started\` or \`active\` status to be ${verb}d.`);
  }
}

/** @param {State} state @param {Schedule} schedule @param {readonly Form[]} forms @returns {Phase[]} */
function readPhases(state, schedule, forms) {
  /** @type {Phase[]} */
  const phases = [];
  forms.forEach((form, index) => {
    const param = `phases[${index}]`;
    const [item] = listOf(form, "items");
    if (!item) throw invalid(`Missing required param: ${param}[items].`, { code: "parameter_missing", param: `${param}[items]` });
    const running = index === 0;
    const price = priceOf(state, item, `${param}[items][0][price]`);
    const start = integer(form, "start_date") ?? phases.at(-1)?.end_date ?? schedule.current_phase?.start_date ?? state.now();
    if (running && schedule.current_phase && start !== schedule.current_phase.start_date) {
      throw invalid("You can not modify the start date of the current phase.", { param: `${param}[start_date]` });
    }
    const duration = formOf(form, "duration");
    const end = duration ? addInterval(start, required(duration, "interval"), integer(duration, "interval_count") ?? 1) : integer(form, "end_date");
    if (end === null) throw invalid("You must specify `duration` or `end_date` for all phases.", { param });
    if (end <= start) throw invalid("The end date of a phase must be after its start.", { param: `${param}[end_date]` });
    phases.push(
      newPhase({ currency: price.currency, price: price.id, quantity: integer(item, "quantity") ?? 1, start, end, prorations: text(form, "proration_behavior") ?? "create_prorations", trialEnd: integer(form, "trial_end") }),
    );
  });
  return phases;
}

/** @param {State} state @param {Schedule} schedule */
export function releaseSchedule(state, schedule) {
  requireRunning(schedule, "release");
  const subscription = state.subscriptions.get(idOf(schedule.subscription));
  [schedule.status, schedule.released_at, schedule.released_subscription, schedule.subscription, schedule.current_phase] = ["released", state.now(), idOf(schedule.subscription), null, null];
  state.emit("subscription_schedule.released", schedule);
  if (!subscription) return;
  const before = { schedule: schedule.id };
  subscription.schedule = null;
  updated(state, subscription, before);
}

/** The last phase has ended. @param {State} state @param {Schedule} schedule */
export function completeSchedule(state, schedule) {
  const subscription = state.subscriptions.get(idOf(schedule.subscription));
  if (subscription) subscription.schedule = null;
  [schedule.status, schedule.completed_at, schedule.current_phase] = ["completed", state.now(), null];
  state.emit("subscription_schedule.completed", schedule);
}

/** @type {readonly Route[]} */
export const scheduleRoutes = [
  {
    method: "POST",
    path: "/v1/subscription_schedules",
    params: ["from_subscription", "metadata"],
    handle({ state, form }) {
      const id = required(form, "from_subscription");
      const subscription = state.subscriptions.get(id);
      if (!subscription) throw missingParam("subscription", id, "from_subscription");
      if (subscription.schedule) throw invalid(`You cannot migrate a subscription that is already attached to a schedule: ${idOf(subscription.schedule)}.`, { param: "from_subscription" });
      if (subscription.ended_at !== null) throw invalid("You cannot migrate a subscription that is canceled.", { param: "from_subscription" });
      const schedule = fromSubscription(state, subscription);
      state.schedules.set(schedule.id, schedule);
      subscription.schedule = schedule.id;
      state.emit("subscription_schedule.created", schedule);
      updated(state, subscription, { schedule: null });
      return schedule;
    },
  },
  { method: "GET", path: "/v1/subscription_schedules/:id", params: [], handle: ({ state, id }) => find(state, id) },
  {
    method: "POST",
    path: "/v1/subscription_schedules/:id",
    params: ["phases", "end_behavior", "proration_behavior", "metadata"],
    handle({ state, id, form }) {
      const schedule = find(state, id);
      requireRunning(schedule, "update");
      const phases = listOf(form, "phases");
      if (phases.length > 0) schedule.phases = readPhases(state, schedule, phases);
      const first = schedule.phases[0];
      if (first && schedule.current_phase) schedule.current_phase = { start_date: first.start_date, end_date: first.end_date };
      schedule.end_behavior = text(form, "end_behavior") ?? schedule.end_behavior;
      state.emit("subscription_schedule.updated", schedule);
      return schedule;
    },
  },
  {
    method: "POST",
    path: "/v1/subscription_schedules/:id/release",
    params: ["preserve_cancel_date"],
    handle({ state, id }) {
      const schedule = find(state, id);
      releaseSchedule(state, schedule);
      return schedule;
    },
  },
];
