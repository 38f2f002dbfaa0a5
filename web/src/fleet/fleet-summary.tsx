import type { Overview } from "../api/live-types";
import type { MachineEntry } from "./fleet.types";
import { cx } from "../ui/cx";

interface FleetSummaryProps {
  entries: readonly MachineEntry[];
  overview: Overview | null;
}

/** Counted from the same machines the page shows, so that the two never disagree. */
export function FleetSummary({ entries, overview }: FleetSummaryProps) {
  let online = 0;
  let reachable = 0;
  let pending = 0;
  for (const { machine } of entries) {
    if (machine.reachable) reachable += 1;
    if (machine.reachable && machine.isOnline) online += 1;
    pending += machine.pendingCommands;
  }
  return (
    <dl className="grid grid-cols-6 overflow-hidden rounded-xl border border-line bg-surface shadow-card sm:flex">
      <Figure label="Online" value={online} span="col-span-2" />
      <Figure label="Reachable" value={reachable} span="col-span-2" />
      <Figure label="Machines" value={entries.length} span="col-span-2" />
      <Figure label="Commands waiting" value={pending} span="col-span-3" />
      <Figure label="Bots online" value={overview?.onlineBots ?? 0} of={overview?.totalBots ?? 0} span="col-span-3" />
    </dl>
  );
}

function Figure({ label, value, of, span }: { label: string; value: number; of?: number; span: string }) {
  return (
    <div className={cx("-mt-px -ml-px border-t border-l border-line flex flex-col px-4 py-2 sm:flex-auto sm:flex-row-reverse sm:flex-wrap sm:items-baseline sm:justify-end sm:gap-x-2", span)}>
      <dt className="truncate text-[0.8125rem] text-muted">{label}</dt>
      <dd className="text-xl leading-tight font-semibold tracking-tight">
        {value}
        {of !== undefined && <span className="text-sm font-normal text-muted"> of {of}</span>}
      </dd>
    </div>
  );
}
