import { CircleAlert, TriangleAlert } from "lucide-react";
import { useId, type ReactNode } from "react";
import { cx } from "../../ui/cx";
import { describeBudget, type BudgetTone } from "./money.core";

const FILL: Record<BudgetTone, string> = { ok: "bg-ink", warn: "bg-warn", bad: "bg-bad" };

interface BudgetBarProps {
  name: ReactNode;
  budget: Parameters<typeof describeBudget>[0];
}

/** A month's spending against its limit. */
export function BudgetBar({ name, budget }: BudgetBarProps) {
  const id = useId();
  const { percent, tone, text, warning } = describeBudget(budget);
  const Icon = tone === "bad" ? CircleAlert : TriangleAlert;
  return (
    <div data-testid="budget" data-state={budget.budgetAlertState}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 text-[0.8125rem]">
        <span id={id} className="min-w-0 font-medium [overflow-wrap:anywhere]">
          {name}
        </span>
        <span className="text-muted">{text}</span>
      </div>
      <div
        role="meter"
        aria-labelledby={id}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent ?? 0}
        aria-valuetext={warning === null ? text : `${text}. ${warning}`}
        className="mt-1.5 h-2 overflow-hidden rounded-full bg-sunken"
      >
        {percent !== null && percent > 0 && <div className={cx("h-full rounded-full", FILL[tone])} style={{ width: `${Math.max(2, percent)}%` }} />}
      </div>
      {warning !== null && (
        <p aria-hidden className={cx("mt-1.5 flex items-start gap-1.5 text-[0.8125rem]", tone === "bad" ? "text-bad" : "text-warn")}>
          <Icon className="mt-[0.1875rem] size-3.5 shrink-0" />
          {warning}
        </p>
      )}
    </div>
  );
}
