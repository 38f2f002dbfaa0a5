import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useId, useState } from "react";
import { Section } from "../machine/section";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { CancelDialog } from "./current-plan";
import { chooseAction, describeChange, featureLine, formatPrice, isFree, yearlySaving, type OfferAction, type Place } from "./offers.core";
import { PlanProblem } from "./plan-problem";
import { refreshPlan } from "./plan-query";
import { changePlan, startCheckout } from "./plan.api";
import type { Interval, Offer } from "./plan.types";

interface OfferCardsProps {
  offers: readonly Offer[];
  place: Omit<Place, "tier">;
  paidUntil: string | null;
}

interface Asking {
  offer: Offer;
  action: OfferAction & { priceId: string };
}

/** The plans that can be had, side by side, with what choosing each one does. */
export function OfferCards({ offers, place, paidUntil }: OfferCardsProps) {
  const [interval, setInterval] = useState<Interval>(place.standing.interval ?? "month");
  const [asking, setAsking] = useState<Asking | null>(null);
  const [isCancelling, setCancelling] = useState(false);
  const checkout = useMutation({ mutationFn: startCheckout, onSuccess: (url) => location.assign(url) });
  const tier = offers.find(({ key }) => key === place.planKey)?.tier ?? -1;
  const saving = Math.max(0, ...offers.map((offer) => yearlySaving(offer) ?? 0));
  const hasYears = offers.some(({ year }) => year.amount !== null);
  const isShopClosed = offers.every(({ month, year }) => month.priceId === null && year.priceId === null);
  const choose = (offer: Offer, action: OfferAction): void => {
    if (action.kind === "subscribe") checkout.mutate(action.priceId);
    else if (action.kind === "cancel") setCancelling(true);
    else if ("priceId" in action) setAsking({ offer, action });
  };
  return (
    <Section title="Plans" aside={hasYears && <IntervalChoice interval={interval} saving={saving} onChange={setInterval} />}>
      {isShopClosed && <Notice tone="info">This server sells no plans: its operator has not connected payments. An administrator can give you a larger plan.</Notice>}
      {checkout.error !== null && <PlanProblem error={checkout.error} />}
      <ul data-testid="offers" className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        {offers.map((offer) => {
          const action = chooseAction(offer, interval, { ...place, tier });
          const isStarting = (checkout.isPending || checkout.isSuccess) && "priceId" in action && action.priceId === checkout.variables;
          return <Card key={offer.key} offer={offer} interval={interval} action={action} isBusy={isStarting} onChoose={() => choose(offer, action)} />;
        })}
      </ul>
      <ChangeDialog asking={asking} paidUntil={paidUntil} onClose={() => setAsking(null)} />
      <CancelDialog isOpen={isCancelling} plan={place.standing.plan} paidUntil={paidUntil} onClose={() => setCancelling(false)} />
    </Section>
  );
}

function IntervalChoice({ interval, saving, onChange }: { interval: Interval; saving: number; onChange: (interval: Interval) => void }) {
  return (
    <fieldset className="flex rounded-lg bg-sunken p-0.5 text-[0.8125rem]">
      <legend className="sr-only">Pay</legend>
      {(["month", "year"] as const).map((one) => (
        <label
          key={one}
          className={cx(
            "cursor-pointer rounded-md px-2.5 py-1 font-medium transition-colors has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2",
            one === interval ? "bg-raised text-ink shadow-card" : "text-muted hover:text-ink",
          )}
        >
          <input type="radio" name="interval" value={one} checked={one === interval} onChange={() => onChange(one)} className="sr-only" />
          {one === "month" ? "Monthly" : "Yearly"}
          {one === "year" && saving > 0 && <span className="ml-1.5 text-ok">−{saving} %</span>}
        </label>
      ))}
    </fieldset>
  );
}

const LABEL: Record<OfferAction["kind"], (name: string) => string> = {
  current: () => "Your plan",
  none: () => "",
  subscribe: (name) => `Choose ${name}`,
  up: (name) => `Upgrade to ${name}`,
  down: (name) => `Change to ${name}`,
  yearly: () => "Pay yearly",
  monthly: () => "Pay monthly",
  cancel: () => "Change to Free",
};

interface CardProps {
  offer: Offer;
  interval: Interval;
  action: OfferAction;
  isBusy: boolean;
  onChoose: () => void;
}

function Card({ offer, interval, action, isBusy, onChoose }: CardProps) {
  const id = useId();
  const isCurrent = action.kind === "current";
  const lines = offer.features.map(featureLine).filter((line) => line !== null);
  return (
    <li
      aria-labelledby={id}
      data-testid="offer"
      data-plan={offer.key}
      data-action={action.kind}
      className={cx("flex flex-col gap-3 rounded-xl border bg-surface px-4 py-4 shadow-card", isCurrent ? "border-ink" : "border-line")}
    >
      <div>
        <h3 id={id} className="text-[0.9375rem] font-semibold tracking-tight">
          {offer.name}
        </h3>
        {offer.description !== null && <p className="text-[0.8125rem] text-muted">{offer.description}</p>}
      </div>
      <Price offer={offer} interval={interval} />
      <ul className="grid flex-1 content-start gap-1.5 text-[0.8125rem]">
        {lines.map((line) => (
          <li key={line} className="flex items-start gap-2">
            <Check aria-hidden className="mt-[0.1875rem] size-3.5 shrink-0 text-muted" />
            {line}
          </li>
        ))}
      </ul>
      {isCurrent || action.kind === "none" ? (
        <p className={cx("flex min-h-9 items-center justify-center rounded-lg px-2 text-center text-[0.8125rem]", isCurrent ? "bg-sunken font-medium" : "text-muted")}>{isCurrent ? "Your plan" : action.why}</p>
      ) : (
        <Button variant={action.kind === "subscribe" || action.kind === "up" ? "primary" : "secondary"} busy={isBusy} onClick={onChoose}>
          {LABEL[action.kind](offer.name)}
        </Button>
      )}
    </li>
  );
}

function Price({ offer, interval }: { offer: Offer; interval: Interval }) {
  const { amount } = offer[interval];
  if (isFree(offer)) return <p className="text-2xl font-semibold tracking-tight">{formatPrice(0, offer.currency)}</p>;
  if (amount === null) return <p className="text-[0.8125rem] text-muted">{interval === "year" && offer.month.amount !== null ? "Only monthly" : "Ask for a price"}</p>;
  return (
    <p>
      <span className="text-2xl font-semibold tracking-tight">{formatPrice(amount, offer.currency)}</span>
      <span className="text-[0.8125rem] text-muted"> a {interval}</span>
    </p>
  );
}

function ChangeDialog({ asking, paidUntil, onClose }: { asking: Asking | null; paidUntil: string | null; onClose: () => void }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: async (priceId: string) => {
      await changePlan(priceId);
      await refreshPlan(client);
    },
    onSuccess: onClose,
  });
  const close = (): void => {
    if (change.isPending) return;
    change.reset();
    onClose();
  };
  const name = asking?.offer.name ?? "";
  const kind = asking?.action.kind ?? "up";
  return (
    <Dialog
      isOpen={asking !== null}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={`${LABEL[kind](name)}?`}
      description={describeChange(kind, name, paidUntil)}
    >
      {change.error !== null && <PlanProblem error={change.error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={close}>Not now</Button>
        <Button variant="primary" data-testid="confirm-change" busy={change.isPending} onClick={() => asking && change.mutate(asking.action.priceId)}>
          {LABEL[kind](name)}
        </Button>
      </div>
    </Dialog>
  );
}
