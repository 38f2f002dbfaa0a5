import { cx } from "../ui/cx";
import { STATE_WORDS, type VmState, type VmTone } from "./cloud.core";

const TONE: Record<VmTone, { pill: string; dot: string }> = {
  ok: { pill: "bg-ok-soft text-ok", dot: "bg-ok" },
  info: { pill: "bg-info-soft text-info", dot: "bg-info" },
  warn: { pill: "bg-warn-soft text-warn", dot: "bg-warn" },
  bad: { pill: "bg-bad-soft text-bad", dot: "bg-bad" },
  quiet: { pill: "bg-sunken text-muted", dot: "bg-transparent ring-[1.5px] ring-inset ring-muted" },
};

export function VmPill({ state }: { state: VmState }) {
  const { label, tone, isMoving } = STATE_WORDS[state];
  const { pill, dot } = TONE[tone];
  return (
    <span data-testid="vm-state" className={cx("inline-flex shrink-0 items-center gap-1.5 rounded-full py-0.5 pr-2.5 pl-2 text-xs font-medium", pill)}>
      <span aria-hidden className={cx("size-2 rounded-full", dot, isMoving && "animate-shimmer")} />
      {label}
    </span>
  );
}
