import { Check, CircleAlert, LoaderCircle } from "lucide-react";
import { cx } from "../ui/cx";
import { ProgressBar } from "./progress-bar";
import { stepBars, type StepBar, type Way } from "./steps.core";

/** A machine's way into being: one bar per step, and what the provider or we say of the present one. */
export function VmSteps({ way }: { way: Pick<Way, "status" | "step" | "stepPercent" | "detail" | "percent"> }) {
  const bars = stepBars(way);
  const now = bars.find(({ state }) => state === "now" || state === "failed");
  return (
    <div data-testid="vm-steps" data-percent={way.percent} data-step={way.step}>
      {/* Steps are read out, details are not: they change every second. */}
      <p role="status" className="sr-only">
        {now === undefined ? "Online" : now.state === "failed" ? `${now.title}: failed. ${now.detail ?? ""}` : now.title}
      </p>
      <ol className="grid gap-4">
        {bars.map((bar) => (
          <Step key={bar.step} bar={bar} />
        ))}
      </ol>
    </div>
  );
}

function Step({ bar: { step, title, state, percent, detail } }: { bar: StepBar }) {
  return (
    <li data-testid="vm-step" data-step={step} data-state={state} className="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
      <span className={cx("mt-0.5 flex size-5 items-center justify-center rounded-full", MARK[state])}>
        {state === "done" && <Check aria-hidden className="size-3.5" />}
        {state === "now" && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
        {state === "failed" && <CircleAlert aria-hidden className="size-4" />}
        {state === "waiting" && <span aria-hidden className="size-2 rounded-full ring-[1.5px] ring-line-strong ring-inset" />}
      </span>
      <div className="grid gap-1.5">
        <div className="flex items-baseline justify-between gap-3">
          <h3 className={cx("font-medium", state === "waiting" && "text-muted")}>{title}</h3>
          <span className="shrink-0 text-[0.8125rem] text-muted">{WORD[state] ?? `${percent} %`}</span>
        </div>
        <ProgressBar label={title} percent={percent} text={detail} isFailed={state === "failed"} className="h-1.5" />
        {detail !== null && (
          <p data-testid="step-detail" className={cx("text-[0.8125rem] [overflow-wrap:anywhere]", state === "failed" ? "text-bad" : "text-muted")}>
            {detail}
          </p>
        )}
      </div>
    </li>
  );
}

const MARK = { done: "bg-ok-soft text-ok", now: "text-info", failed: "text-bad", waiting: "" } as const;
/** What stands in place of a number. */
const WORD: Partial<Record<StepBar["state"], string>> = { done: "Done", failed: "Failed", waiting: "Waits" };
