import { CircleAlert, TriangleAlert } from "lucide-react";
import { useId } from "react";
import { cx } from "../ui/cx";
import type { Meter } from "./plan.types";
import { describeMeter, type MeterTone, type MeterView } from "./usage.core";

const FILL: Record<MeterTone, string> = { ok: "bg-ink", warn: "bg-warn", bad: "bg-bad" };

/** How full the plan is, one bar for everything that is counted. */
export function UsageBars({ meters }: { meters: readonly Meter[] }) {
  return (
    <ul data-testid="usage" className="grid gap-x-10 gap-y-5 rounded-xl border border-line bg-surface px-4 py-4 shadow-card sm:grid-cols-2 sm:px-5">
      {meters.map((meter) => (
        <Bar key={meter.key} view={describeMeter(meter)} />
      ))}
    </ul>
  );
}

function Bar({ view: { key, name, percent, tone, text, warning } }: { view: MeterView }) {
  const id = useId();
  const Icon = tone === "bad" ? CircleAlert : TriangleAlert;
  return (
    <li data-testid="meter" data-key={key} data-tone={tone}>
      <div className="flex items-baseline justify-between gap-4 text-[0.8125rem]">
        <span id={id} className="font-medium">
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
    </li>
  );
}
