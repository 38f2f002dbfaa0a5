import { CircleAlert, CircleCheck } from "lucide-react";
import { useClock } from "../lib/clock";
import { countOf } from "../lib/format";
import { cx } from "../ui/cx";
import type { RestartPhase, RestartState } from "./fleet.types";
import { restartSeconds } from "./restart.core";

const SUCCESS_SHOWN_MS = 60_000;
const STEP: Record<RestartPhase, number> = { sending: 0, requested: 1, delivered: 2, restarting: 2, restarted: 3, failed: 3, expired: 3 };

/** What a person reads about a restart at this moment. */
function restartText(restart: RestartState): string {
  switch (restart.phase) {
    case "sending":
      return "Sending…";
    case "requested":
      return restart.text?.replace(/\.$/, "") ?? "Restart requested";
    case "delivered":
      return "Delivered to the machine";
    case "restarting":
      return "Restarting…";
    case "restarted": {
      const seconds = restartSeconds(restart);
      return seconds === null ? "Restarted" : `Restarted in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    }
    case "failed":
      return restart.text ? `Failed: ${restart.text}` : "Restart failed";
    case "expired":
      return "Expired: the machine never picked it up";
  }
}

interface RestartProgressProps {
  restart: RestartState | null;
  pendingCommands: number;
}

/** How a restart is going; with none going on, what else waits for the machine. */
export function RestartProgress({ restart, pendingCommands }: RestartProgressProps) {
  const isOver = useClock((nowMs) =>
    restart?.phase === "restarted" && restart.finishedAtMs !== null ? nowMs - restart.finishedAtMs > SUCCESS_SHOWN_MS : false,
  );
  const isShown = restart !== null && !isOver;
  const hasFailed = restart?.phase === "failed" || restart?.phase === "expired";
  return (
    <div data-testid="restart-state" role="status" className="min-w-0 flex-1 text-[0.8125rem] leading-snug">
      {isShown && (
        <span className={cx("flex items-center gap-2", hasFailed ? "text-bad" : "text-muted")}>
          {restart.phase === "restarted" && <CircleCheck aria-hidden className="size-4 shrink-0 text-ok" />}
          {hasFailed && <CircleAlert aria-hidden className="size-4 shrink-0" />}
          {STEP[restart.phase] < 3 && <Steps done={STEP[restart.phase]} />}
          <span className="line-clamp-2 [overflow-wrap:anywhere]" title={restart.text ?? undefined}>{restartText(restart)}</span>
        </span>
      )}
      {!isShown && pendingCommands > 0 && <span className="text-muted">{countOf(pendingCommands, "command")} waiting</span>}
    </div>
  );
}

function Steps({ done }: { done: number }) {
  return (
    <span aria-hidden className="flex w-9 shrink-0 gap-0.5">
      {[0, 1, 2].map((step) => (
        <span
          key={step}
          className={cx("h-1 flex-1 rounded-full", step < done ? "bg-info" : step === done ? "animate-shimmer bg-info/50" : "bg-line")}
        />
      ))}
    </span>
  );
}
