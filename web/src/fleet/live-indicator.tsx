import { formatRelative } from "../lib/format";
import { useClock } from "../lib/clock";
import { cx } from "../ui/cx";
import { useFleetConnection } from "./fleet-connection";
import type { StreamStatus } from "./fleet-stream";

const LOOK: Record<StreamStatus, { label: string; dot: string }> = {
  connecting: { label: "Connecting", dot: "bg-warn" },
  live: { label: "Live", dot: "bg-ok" },
  reconnecting: { label: "Reconnecting", dot: "bg-warn" },
  offline: { label: "Offline", dot: "bg-bad" },
};

/** Whether what is on the page can be believed, and since when not. */
export function LiveIndicator() {
  const { status, reconnect, findLastPulse } = useFleetConnection();
  const heard = useClock((nowMs) => {
    const atMs = findLastPulse();
    return atMs === null ? null : formatRelative(atMs, nowMs);
  });
  const { label, dot } = LOOK[status];
  const isTrouble = status === "reconnecting" || status === "offline";
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[0.8125rem] text-muted">
      <span className="inline-flex items-center gap-2 font-medium text-ink">
        <span className="relative inline-flex size-2">
          {status === "live" && <span aria-hidden className={cx("absolute inset-0 animate-breathe rounded-full", dot)} />}
          <span aria-hidden className={cx("relative size-2 rounded-full", dot)} />
        </span>
        <span role="status">{label}</span>
      </span>
      {heard !== null && <span>{isTrouble ? `last update ${heard}` : `updated ${heard}`}</span>}
      {isTrouble && (
        <button type="button" onClick={reconnect} className="rounded-sm font-medium text-ink underline decoration-line-strong underline-offset-4">
          Try now
        </button>
      )}
    </div>
  );
}
