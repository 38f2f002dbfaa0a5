import type { Stripe } from "stripe";
import type { PaidSubscription, Payments, PaymentSchedule, PriceInterval, ScheduledChange } from "../../kernel/ports/payments";
import type { Attempt, StripeCalls } from "./calls";
import { garbled } from "./errors";
import { idOf, isEnded, isOver, toSchedule } from "./mapper";
import { readSubscription } from "./subscriptions";

/** A schedule to write to; `made` by this call, which then cleans it up if it fails. */
interface Hold {
  readonly schedule: Stripe.SubscriptionSchedule;
  readonly made: boolean;
}

/** What keeps a change from being scheduled. */
type Obstacle = Exclude<ScheduledChange, { kind: "scheduled" }>;

/** Changes at the end of a paid period. */
export function createSchedules(calls: StripeCalls): Pick<Payments, "scheduleChange" | "getSchedule" | "releaseSchedule"> {
  const retrieve = (scheduleId: string): Promise<Stripe.SubscriptionSchedule | null> => calls.find("GET subscription_schedule", (stripe) => stripe.subscriptionSchedules.retrieve(scheduleId));

  const release = async (scheduleId: string): Promise<PaymentSchedule | null> => {
    const done = await calls.attempt("POST subscription_schedule release", (stripe) => stripe.subscriptionSchedules.release(scheduleId));
    if (done.ok) return toSchedule(done.value);
    const found = await retrieve(scheduleId);
    if (!found || isOver(found.status)) return found && toSchedule(found);
    throw done.refusal.unexpected;
  };

  /** The schedule that manages the subscription, or a new one. Stripe itself refuses a second, so two callers end up with the same. */
  const hold = async (subscription: PaidSubscription): Promise<Hold | Obstacle> => {
    const managing = subscription.scheduleId === null ? null : await retrieve(subscription.scheduleId);
    if (managing && !isOver(managing.status)) return { schedule: managing, made: false };
    const made = await calls.attempt("POST subscription_schedules", (stripe) => stripe.subscriptionSchedules.create({ from_subscription: subscription.id }));
    if (made.ok) return { schedule: made.value, made: true };
    const now = await readSubscription(calls, subscription.id);
    if (!now) return { kind: "unknown" };
    if (isEnded(now)) return { kind: "ended" };
    const theirs = now.scheduleId === null ? null : await retrieve(now.scheduleId);
    if (theirs && !isOver(theirs.status)) return { schedule: theirs, made: false };
    throw made.refusal.unexpected;
  };

  const write = ({ schedule }: Hold, priceId: string, interval: PriceInterval): Promise<Attempt<Stripe.SubscriptionSchedule>> => {
    const phases = phasesFor(schedule, priceId, interval);
    return calls.attempt("POST subscription_schedule", (stripe) => stripe.subscriptionSchedules.update(schedule.id, { phases, end_behavior: "release", proration_behavior: "none" }));
  };

  /** Leaves no schedule behind that does nothing but block other changes. */
  const cleanUp = async ({ schedule, made }: Hold): Promise<void> => {
    // When this fails too, the next call finds it and uses it.
    if (made) await release(schedule.id).catch(() => null);
  };

  return {
    async scheduleChange({ subscriptionId, priceId, interval }) {
      // Twice, because a schedule may end between reading and writing it.
      for (let lastTry = false; ; lastTry = true) {
        const subscription = await readSubscription(calls, subscriptionId);
        if (!subscription) return { kind: "unknown" };
        if (isEnded(subscription)) return { kind: "ended" };
        if (subscription.cancelAtPeriodEnd) return { kind: "canceling" };
        const held = await hold(subscription);
        if ("kind" in held) return held;
        let written: Attempt<Stripe.SubscriptionSchedule>;
        try {
          written = await write(held, priceId, interval);
        } catch (error) {
          await cleanUp(held);
          throw error;
        }
        if (written.ok) return { kind: "scheduled", schedule: toSchedule(written.value) };
        await cleanUp(held);
        if (written.refusal.parameter.startsWith("phases[1]")) return { kind: "unknown_price" };
        const now = held.made || lastTry ? held.schedule : await retrieve(held.schedule.id);
        if (now && !isOver(now.status)) throw written.refusal.unexpected;
      }
    },

    async getSchedule(scheduleId) {
      const found = await retrieve(scheduleId);
      return found && toSchedule(found);
    },

    releaseSchedule: release,
  };
}

type PhaseParams = Stripe.SubscriptionScheduleUpdateParams.Phase;

/** The phase under way as it is, then the same with the new price for one interval, after which the schedule lets go. */
function phasesFor(schedule: Stripe.SubscriptionSchedule, priceId: string, interval: PriceInterval): PhaseParams[] {
  const startsAt = schedule.current_phase?.start_date ?? schedule.phases[0]?.start_date;
  const phase = schedule.phases.find(({ start_date: at }) => at === startsAt);
  if (!phase) throw garbled("phases");
  const items = phase.items.map((item) => ({ price: idOf(item.price), ...(item.quantity === undefined ? {} : { quantity: item.quantity }) }));
  const kept = keptSettings(phase);
  return [
    { ...kept, items, start_date: phase.start_date, end_date: phase.end_date, ...(phase.trial_end === null ? {} : { trial_end: phase.trial_end }) },
    { ...kept, items: items.map((item, index) => (index === 0 ? { ...item, price: priceId } : item)), duration: { interval, interval_count: 1 }, proration_behavior: "none" },
  ];
}

/** Writing phases takes away what they do not mention. */
function keptSettings(phase: Stripe.SubscriptionSchedule.Phase): Pick<PhaseParams, "discounts" | "default_tax_rates" | "automatic_tax"> {
  const discounts = (phase.discounts ?? []).map(keptDiscount);
  const taxRates = (phase.default_tax_rates ?? []).map(idOf);
  return {
    ...(discounts.length === 0 ? {} : { discounts }),
    ...(taxRates.length === 0 ? {} : { default_tax_rates: taxRates }),
    ...(phase.automatic_tax?.enabled === true ? { automatic_tax: { enabled: true } } : {}),
  };
}

/** One that is running goes on; the others are named by what gives them. */
function keptDiscount({ discount, coupon, promotion_code: code }: Stripe.SubscriptionSchedule.Phase.Discount): Stripe.SubscriptionScheduleUpdateParams.Phase.Discount {
  if (discount) return { discount: idOf(discount) };
  if (code) return { promotion_code: idOf(code) };
  return coupon ? { coupon: idOf(coupon) } : {};
}
