import { cx } from "../ui/cx";
import { PHASE_WORDS, type BotPhase, type PhaseTone } from "./bot-phase.core";

const TONE: Record<PhaseTone, { pill: string; dot: string }> = {
  ok: { pill: "bg-ok-soft text-ok", dot: "bg-ok" },
  info: { pill: "bg-info-soft text-info", dot: "bg-info" },
  warn: { pill: "bg-warn-soft text-warn", dot: "bg-warn" },
  bad: { pill: "bg-bad-soft text-bad", dot: "bg-bad" },
  quiet: { pill: "bg-sunken text-muted", dot: "bg-transparent ring-[1.5px] ring-inset ring-muted" },
};

export function PhasePill({ phase }: { phase: BotPhase }) {
  const { label, tone, isMoving } = PHASE_WORDS[phase];
  const { pill, dot } = TONE[tone];
  return (
    <span data-testid="phase" className={cx("inline-flex shrink-0 items-center gap-1.5 rounded-full py-0.5 pr-2.5 pl-2 text-xs font-medium", pill)}>
      <span aria-hidden className={cx("size-2 rounded-full", dot, isMoving && "animate-shimmer")} />
      {label}
    </span>
  );
}
