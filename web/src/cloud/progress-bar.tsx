import { cx } from "../ui/cx";

interface ProgressBarProps {
  label: string;
  percent: number;
  /** What is being done, read out beside the number. */
  text?: string | null;
  isFailed?: boolean;
  className?: string;
}

/** As far as it really is: it never runs ahead, and stands still where nothing moves. */
export function ProgressBar({ label, percent, text, isFailed = false, className }: ProgressBarProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      {...(text ? { "aria-valuetext": `${percent} %. ${text}` } : {})}
      className={cx("h-2 overflow-hidden rounded-full bg-sunken", className)}
    >
      {percent > 0 && <div className={cx("h-full rounded-full transition-[width] duration-300", isFailed ? "bg-bad" : percent >= 100 ? "bg-ok" : "bg-info")} style={{ width: `${percent}%` }} />}
    </div>
  );
}
