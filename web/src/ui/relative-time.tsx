import { formatRelative, formatSpan } from "../lib/format";
import { useClock } from "../lib/clock";

interface RelativeTimeProps {
  at: string | null | undefined;
  fallback?: string;
  /** `ago` says "5 min ago", `span` only "5 min". */
  form?: "ago" | "span";
}

/** How long ago, ticking; the exact instant is in the tooltip. */
export function RelativeTime({ at, fallback = "never", form = "ago" }: RelativeTimeProps) {
  const text = useClock((nowMs) => {
    if (!at) return fallback;
    return form === "span" ? formatSpan((nowMs - Date.parse(at)) / 1000) : formatRelative(at, nowMs);
  });
  if (!at) return <span>{text}</span>;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {text}
    </time>
  );
}
