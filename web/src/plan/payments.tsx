import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { useState } from "react";
import { capitalise, formatDay, humanise } from "../lib/format";
import { Nothing, Section } from "../machine/section";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/skeleton";
import { formatPaid } from "./offers.core";
import { PlanProblem } from "./plan-problem";
import { paymentsQuery, refreshPlan } from "./plan-query";
import { backfillPayments } from "./plan.api";
import type { Payment } from "./plan.types";

const FEW = 5;
const MANY = 100;
const STATUS: Record<string, { text: string; className: string }> = {
  paid: { text: "Paid", className: "bg-ok-soft text-ok" },
  open: { text: "Not paid", className: "bg-warn-soft text-warn" },
  uncollectible: { text: "Not paid", className: "bg-bad-soft text-bad" },
  failed: { text: "Failed", className: "bg-bad-soft text-bad" },
  refunded: { text: "Paid back", className: "bg-sunken text-muted" },
  void: { text: "Void", className: "bg-sunken text-muted" },
};

const isLink = (url: string | null | undefined): url is string => url?.startsWith("https://") === true || url?.startsWith("http://127.0.0.1:") === true;
const dayOf = (seconds: number): string => formatDay(new Date(seconds * 1000).toISOString());

/** What was paid, newest first. @param isCustomer whether the payment provider may know more than we do */
export function Payments({ isCustomer }: { isCustomer: boolean }) {
  const client = useQueryClient();
  const [limit, setLimit] = useState(FEW);
  const { data, error, refetch, isFetching } = useQuery(paymentsQuery(limit));
  const backfill = useMutation({ mutationFn: backfillPayments, onSuccess: () => refreshPlan(client) });
  return (
    <Section title="Payments">
      {backfill.error !== null && <PlanProblem error={backfill.error} />}
      {data ? (
        data.items.length === 0 ? (
          <Nothing>
            No payments yet.
            {isCustomer && (
              <>
                {" "}
                <button type="button" className="rounded-sm font-medium text-ink underline decoration-line-strong underline-offset-4" onClick={() => backfill.mutate()}>
                  Look for older ones
                </button>
              </>
            )}
          </Nothing>
        ) : (
          <>
            <ul data-testid="payments" className="rounded-xl border border-line bg-surface shadow-card">
              {data.items.map((payment) => (
                <Row key={payment.id} payment={payment} />
              ))}
            </ul>
            {data.has_more && limit < MANY && (
              <div>
                <Button size="sm" busy={isFetching} onClick={() => setLimit(MANY)}>
                  Show more
                </Button>
              </div>
            )}
          </>
        )
      ) : error ? (
        <PlanProblem error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-24 rounded-xl" />
      )}
    </Section>
  );
}

function Row({ payment }: { payment: Payment }) {
  const status = STATUS[payment.status] ?? { text: capitalise(humanise(payment.status)), className: "bg-sunken text-muted" };
  const day = dayOf(payment.created);
  return (
    <li data-testid="payment" data-status={payment.status} className="flex flex-wrap items-center gap-x-4 gap-y-1.5 border-t border-line px-4 py-3 first:border-t-0">
      <div className="min-w-0 flex-1 basis-48">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {formatPaid(payment.amount_paid, payment.currency)}
          <span className={cx("rounded-full px-2 py-0.5 text-xs font-medium", status.className)}>{status.text}</span>
        </p>
        <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
          {day}
          {payment.period_start != null && payment.period_end != null && payment.period_end > payment.period_start && ` · for ${dayOf(payment.period_start)} to ${dayOf(payment.period_end)}`}
          {payment.number && ` · ${payment.number}`}
        </p>
      </div>
      <div className="flex gap-4 text-[0.8125rem]">
        {isLink(payment.hosted_invoice_url) && (
          <a href={payment.hosted_invoice_url} target="_blank" rel="noreferrer" aria-label={`Invoice of ${day}, opens a new tab`} className="inline-flex items-center gap-1 rounded-sm font-medium decoration-line-strong underline-offset-4 hover:underline">
            Invoice <ExternalLink aria-hidden className="size-3.5 text-muted" />
          </a>
        )}
        {isLink(payment.invoice_pdf) && (
          <a href={payment.invoice_pdf} target="_blank" rel="noreferrer" aria-label={`Invoice of ${day} as PDF, opens a new tab`} className="rounded-sm font-medium decoration-line-strong underline-offset-4 hover:underline">
            PDF
          </a>
        )}
      </div>
    </li>
  );
}
