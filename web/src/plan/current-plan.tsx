import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CreditCard, Gift, Hourglass, Leaf, Smartphone } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { Dialog } from "../ui/dialog";
import { PlanProblem } from "./plan-problem";
import { refreshPlan } from "./plan-query";
import { cancelSubscription, openPortal, undoChange } from "./plan.api";
import { describeChange } from "./offers.core";
import type { PlanSource, Standing, StandingTone } from "./standing.core";

const ICON = { card: CreditCard, apple: Smartphone, given: Gift, trial: Hourglass, free: Leaf } as const;
const SOURCE_NAME: Record<PlanSource, string> = { card: "Paid by card", apple: "Bought in the App Store", given: "Given by an administrator", trial: "To try everything", free: "Free of charge" };
const BADGE: Record<StandingTone, string> = { ok: "bg-ok-soft text-ok", warn: "bg-warn-soft text-warn", bad: "bg-bad-soft text-bad", quiet: "bg-sunken text-muted" };

interface CurrentPlanProps {
  standing: Standing;
  /** The day that the paid period ends. */
  paidUntil: string | null;
  /** What belongs to the plan below its actions. */
  children?: ReactNode;
}

/** The plan, why it is that one, what comes next, and what can be done about it. */
export function CurrentPlan({ standing, paidUntil, children }: CurrentPlanProps) {
  const client = useQueryClient();
  const [isCancelling, setCancelling] = useState(false);
  const portal = useMutation({ mutationFn: openPortal, onSuccess: (url) => location.assign(url) });
  const undo = useMutation({ mutationFn: undoChange, onSuccess: () => refreshPlan(client) });
  const Icon = ICON[standing.source];
  const error = portal.error ?? undo.error;
  return (
    <section aria-label="Your plan" data-testid="current-plan" data-source={standing.source} data-tone={standing.tone} className="rounded-xl border border-line bg-surface px-4 py-4 shadow-card sm:px-5 sm:py-5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h2 className="text-xl font-semibold tracking-tight">{standing.plan}</h2>
        {standing.badge !== null && <span className={cx("rounded-full px-2 py-0.5 text-xs font-medium", BADGE[standing.tone])}>{standing.badge}</span>}
        <span className="inline-flex items-center gap-1.5 text-[0.8125rem] text-muted">
          <Icon aria-hidden className="size-3.5" />
          {SOURCE_NAME[standing.source]}
          {standing.source === "card" && standing.interval !== null && `, ${standing.interval === "year" ? "yearly" : "monthly"}`}
        </span>
      </div>
      <div className="mt-2 grid max-w-prose gap-0.5 text-sm">
        {standing.lines.map((line, index) => (
          <p key={line} className={cx(index > 0 && "text-muted")}>
            {line}
          </p>
        ))}
      </div>
      {error !== null && (
        <div className="mt-3">
          <PlanProblem error={error} />
        </div>
      )}
      {(standing.hasPortal || standing.canCancel || standing.undo !== null) && (
        <div className="mt-4 flex flex-wrap gap-2">
          {standing.undo !== null && (
            <Button variant="primary" data-testid="undo-change" busy={undo.isPending} onClick={() => undo.mutate()}>
              {standing.undo === "cancellation" ? `Keep ${standing.plan}` : "Undo the planned change"}
            </Button>
          )}
          {standing.hasPortal && (
            <Button data-testid="portal" variant={standing.tone === "bad" ? "primary" : "secondary"} busy={portal.isPending || portal.isSuccess} onClick={() => portal.mutate()}>
              {standing.tone === "bad" ? "Update the card" : "Card and invoices"}
            </Button>
          )}
          {standing.canCancel && (
            <Button variant="ghost" data-testid="cancel-plan" onClick={() => setCancelling(true)}>
              Cancel the plan
            </Button>
          )}
        </div>
      )}
      {children}
      <CancelDialog isOpen={isCancelling} plan={standing.plan} paidUntil={paidUntil} onClose={() => setCancelling(false)} />
    </section>
  );
}

interface CancelDialogProps {
  isOpen: boolean;
  plan: string;
  paidUntil: string | null;
  onClose: () => void;
}

export function CancelDialog({ isOpen, plan, paidUntil, onClose }: CancelDialogProps) {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: async () => {
      await cancelSubscription();
      await refreshPlan(client);
    },
    onSuccess: onClose,
  });
  const close = (): void => {
    if (cancel.isPending) return;
    cancel.reset();
    onClose();
  };
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={`Cancel ${plan}?`}
      description={describeChange("cancel", "Free", paidUntil)}
    >
      {cancel.error !== null && <PlanProblem error={cancel.error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={close}>Keep {plan}</Button>
        <Button variant="danger" data-testid="confirm-cancel" busy={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel the plan
        </Button>
      </div>
    </Dialog>
  );
}
