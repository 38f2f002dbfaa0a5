import { cx } from "../ui/cx";
import { STATUS_LABEL, type MachineStatus } from "./machine-status";

const TONE: Record<MachineStatus, { pill: string; dot: string }> = {
  online: { pill: "bg-ok-soft text-ok", dot: "bg-ok" },
  reachable: { pill: "bg-info-soft text-info", dot: "bg-info" },
  "link-down": { pill: "bg-warn-soft text-warn", dot: "bg-warn animate-shimmer" },
  offline: { pill: "bg-sunken text-muted", dot: "bg-transparent ring-[1.5px] ring-inset ring-muted" },
};

export function StatusPill({ status }: { status: MachineStatus }) {
  const { pill, dot } = TONE[status];
  return (
    <span className={cx("inline-flex shrink-0 items-center gap-1.5 rounded-full py-0.5 pr-2.5 pl-2 text-xs font-medium", pill)}>
      <span aria-hidden className={cx("size-2 rounded-full", dot)} />
      {STATUS_LABEL[status]}
    </span>
  );
}

const PROCESS_DOT: Record<string, string> = {
  running: "bg-ok",
  restarting: "bg-warn animate-shimmer",
  crashed: "bg-bad",
  stopped: "bg-transparent ring-[1.5px] ring-inset ring-muted",
};

export function ProcessDot({ status }: { status: string }) {
  return <span aria-hidden className={cx("inline-block size-2 shrink-0 rounded-full", PROCESS_DOT[status] ?? "bg-line-strong")} />;
}
