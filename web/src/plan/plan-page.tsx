import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { AccountTabs } from "../account/account-tabs";
import { useClock } from "../lib/clock";
import { formatDay } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { Section } from "../machine/section";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { ChooseEarly } from "./choose-early";
import { CurrentPlan } from "./current-plan";
import { excessBeyond } from "./keep.core";
import { OfferCards } from "./offer-cards";
import { isFree } from "./offers.core";
import { Payments } from "./payments";
import { PlanProblem } from "./plan-problem";
import { CONFIRM_POLL_MS, downgradeQuery, metersQuery, offersQuery, refreshPlan, subscriptionQuery } from "./plan-query";
import { describeStanding } from "./standing.core";
import { UsageBars } from "./usage-bars";

const MINUTE_MS = 60_000;

/** What somebody is on, how full it is, what else there is, and what was paid. */
export function PlanPage() {
  usePageTitle("Plan");
  const subscription = useQuery(subscriptionQuery);
  const offers = useQuery(offersQuery);
  const meters = useQuery(metersQuery);
  const downgrade = useQuery(downgradeQuery);
  // The sentences count days: a new one every minute is enough, and rounded up it never adds a day.
  const minute = useClock((nowMs) => Math.ceil(nowMs / MINUTE_MS));
  const standing = subscription.data ? describeStanding(subscription.data, minute * MINUTE_MS) : null;
  const place = standing && subscription.data ? { standing, planKey: subscription.data.plan_key } : null;
  const paidUntil = subscription.data?.subscription_ends_at ? formatDay(subscription.data.subscription_ends_at) : null;
  const next = offers.data?.find((offer) => (standing?.undo === "cancellation" ? isFree(offer) : standing?.undo === "change" && offer.name === subscription.data?.pending_plan_name));
  const excess = next && meters.data ? excessBeyond(next, meters.data) : null;
  return (
    <div data-testid="plan-page" className="mx-auto grid max-w-5xl grid-cols-1 gap-8">
      <AccountTabs />
      <div className="grid gap-4">
        <CheckoutNotice isPaid={standing?.source === "card"} />
        {standing ? (
          <CurrentPlan standing={standing} paidUntil={paidUntil}>
            {next && excess !== null && downgrade.data === null && <ChooseEarly next={next} excess={excess} />}
          </CurrentPlan>
        ) : subscription.error ? (
          <PlanProblem error={subscription.error} action={<Button size="sm" onClick={() => void subscription.refetch()}>Try again</Button>} />
        ) : (
          <div role="status">
            <span className="sr-only">Loading the plan</span>
            <Skeleton className="h-36 rounded-xl" />
          </div>
        )}
      </div>
      <Section title="In use">
        {meters.data ? (
          <UsageBars meters={meters.data} />
        ) : meters.error ? (
          <PlanProblem error={meters.error} action={<Button size="sm" onClick={() => void meters.refetch()}>Try again</Button>} />
        ) : (
          <Skeleton className="h-36 rounded-xl" />
        )}
      </Section>
      {place && offers.data ? (
        <OfferCards key={place.standing.interval ?? "none"} offers={offers.data} place={place} paidUntil={paidUntil} />
      ) : offers.error ? (
        <Section title="Plans">
          <PlanProblem error={offers.error} action={<Button size="sm" onClick={() => void offers.refetch()}>Try again</Button>} />
        </Section>
      ) : (
        !subscription.error && <Skeleton className="h-80 rounded-xl" />
      )}
      <Payments isCustomer={Boolean(subscription.data?.stripe_customer_id)} />
    </div>
  );
}

const CONFIRM_LIMIT_MS = 60_000;

/** What came of the payment page, on the way back from it. The payment shows a moment later, when its provider has told us. */
function CheckoutNotice({ isPaid }: { isPaid: boolean }) {
  const { checkout } = useSearch({ from: "/signed-in/console/account/plan" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const [isLate, setLate] = useState(false);
  const isWaiting = checkout === "success" && !isPaid && !isLate;
  useEffect(() => {
    if (!isWaiting) return;
    const poll = setInterval(() => void refreshPlan(client), CONFIRM_POLL_MS);
    const limit = setTimeout(() => setLate(true), CONFIRM_LIMIT_MS);
    return () => {
      clearInterval(poll);
      clearTimeout(limit);
    };
  }, [isWaiting, client]);
  if (checkout === undefined) return null;
  const close = (
    <Button size="sm" onClick={() => void navigate({ to: "/account/plan", replace: true })}>
      Close
    </Button>
  );
  if (checkout !== "success") {
    return (
      <Notice tone="info" action={close}>
        The payment was not finished. Nothing was charged, and your plan is as it was.
      </Notice>
    );
  }
  if (isPaid) {
    return (
      <Notice tone="ok" action={close}>
        Thank you. Your plan is active.
      </Notice>
    );
  }
  return isLate ? (
    <Notice tone="warn" action={close}>
      The payment is not confirmed yet. That can take some minutes; you will not be charged twice. This page shows it once it is.
    </Notice>
  ) : (
    <Notice tone="info">Thank you. The payment is being confirmed…</Notice>
  );
}
