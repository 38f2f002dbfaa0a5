import { lazy, Suspense, useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import { Nothing, Section } from "../../machine/section";
import { Skeleton } from "../../ui/skeleton";
import { USAGE_LIMIT } from "../assets.api";
import { formatUsd } from "../budgets/money.core";
import { usageQuery } from "../governance-query";
import type { TokenUsage } from "../governance.types";
import { Card, Read } from "../parts";
import { formatUtcDay, spendByDay } from "./spend.core";

const SpendChart = lazy(() => import("./spend-chart"));
const DAYS = 14;
/** Shades of ink for a stack, the dearest model first: colour is kept for states. */
const SHADES = [1, 0.66, 0.46, 0.31, 0.19] as const;

/** What model calls cost, by day and model. */
export function SpendSection() {
  const result = useQuery(usageQuery);
  return (
    <Section title="Spend of the last 14 days" aside={<span className="text-[0.8125rem] text-muted">days in UTC</span>}>
      <Read result={result} what="spend" rows={4}>
        {(usage) => <Spend usage={usage} nowMs={result.dataUpdatedAt} />}
      </Read>
    </Section>
  );
}

function Spend({ usage, nowMs }: { usage: readonly TokenUsage[]; nowMs: number }) {
  const course = useMemo(() => spendByDay(usage, nowMs, DAYS), [usage, nowMs]);
  if (course.series.length === 0) return <Nothing>No model call was settled in these days.</Nothing>;
  return (
    <Card data-testid="spend">
      <div className="flex flex-wrap items-baseline gap-x-5 gap-y-1 text-[0.8125rem]">
        <span className="text-lg font-semibold tracking-tight">{formatUsd(course.total)}</span>
        {course.series.map(({ model, total }, index) => (
          <span key={model} className="inline-flex items-baseline gap-1.5 text-muted">
            <span aria-hidden className="size-2.5 shrink-0 rounded-[3px] bg-ink" style={{ opacity: SHADES[index] }} />
            <span className="[overflow-wrap:anywhere]">{model}</span> {formatUsd(total)}
          </span>
        ))}
      </div>
      <Suspense fallback={<Skeleton className="mt-2 h-[190px]" />}>
        <SpendChart course={course} shades={SHADES} />
      </Suspense>
      {usage.length >= USAGE_LIMIT && <p className="mt-2 text-[0.8125rem] text-warn">Only the newest {USAGE_LIMIT.toLocaleString()} calls are counted; older days may lack some.</p>}
      <details className="mt-2 text-[0.8125rem]">
        <summary className="w-fit rounded-sm text-muted hover:text-ink">The numbers</summary>
        <div tabIndex={0} role="region" aria-label="Spend by day and model" className="mt-2 overflow-x-auto">
          <table className="w-full min-w-max text-right">
            <thead>
              <tr className="text-muted">
                <th scope="col" className="pr-4 text-left font-medium">
                  Day
                </th>
                {course.series.map(({ model }) => (
                  <th key={model} scope="col" className="pl-4 font-medium">
                    {model}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {course.atSeconds.map((at, day) => (
                <tr key={at} className="border-t border-line/70">
                  <th scope="row" className="py-1 pr-4 text-left font-normal whitespace-nowrap">
                    {formatUtcDay(at)}
                  </th>
                  {course.series.map(({ model, perDay }) => (
                    <td key={model} className="py-1 pl-4">
                      {formatUsd(perDay[day] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Card>
  );
}
