import { Link } from "@tanstack/react-router";
import type { MachineEntry } from "../fleet/fleet.types";
import { cx } from "../ui/cx";
import { describePayer, describeSize, isInFlight, progressOf, stateOf } from "./cloud.core";
import type { CloudVm, VmAddon } from "./cloud.types";
import { ProgressBar } from "./progress-bar";
import { VmActions } from "./vm-actions";
import { VmPill } from "./vm-pill";

interface VmCardProps {
  vm: CloudVm;
  entry: MachineEntry | undefined;
  addons: readonly VmAddon[] | undefined;
  onDestroy: () => void;
}

/** One cloud machine in the list. */
export function VmCard({ vm, entry, addons, onDestroy }: VmCardProps) {
  const { status, percent, detail } = progressOf(vm, entry);
  const state = stateOf(status, entry ? entry.machine.reachable : null);
  const payer = describePayer(vm, addons);
  return (
    <article data-testid="vm-card" data-instance-id={vm.instance_id} data-state={state} aria-label={vm.name} className={cx("flex flex-col gap-3 rounded-xl border border-line p-4", state === "destroying" ? "bg-transparent" : "bg-surface shadow-card")}>
      <header className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-[0.9375rem] font-semibold tracking-tight">
            <Link to="/cloud/$instanceId" params={{ instanceId: vm.instance_id }} className="rounded-sm decoration-line-strong underline-offset-4 hover:underline">
              {vm.name}
            </Link>
          </h2>
          <p className="text-[0.8125rem] text-muted">{describeSize(vm)}</p>
        </div>
        <VmPill state={state} />
      </header>
      {isInFlight(state) && (
        <div className="grid gap-1.5">
          <div className="flex items-baseline justify-between gap-3 text-[0.8125rem]">
            <span className="min-w-0 [overflow-wrap:anywhere] text-muted">{detail ?? "Under way"}</span>
            <span className="shrink-0 font-medium" data-testid="vm-percent">
              {percent} %
            </span>
          </div>
          <ProgressBar label={`Progress of ${vm.name}`} percent={percent} text={detail} />
        </div>
      )}
      {state === "failed" && <p className="text-[0.8125rem] [overflow-wrap:anywhere] text-bad">{detail ?? vm.last_error ?? "It could not be made."}</p>}
      {state === "silent" && <p className="text-[0.8125rem] text-warn">It is up, but its daemon does not beat. After five minutes we look at it ourselves.</p>}
      {state === "destroying" && <p className="text-[0.8125rem] text-muted">{detail ?? "The provider is asked until nothing is left."}</p>}
      <p data-testid="vm-payer" className={cx("mt-auto text-[0.8125rem]", payer.isEnding ? "text-warn" : "text-muted")}>
        {payer.text}
      </p>
      <VmActions vm={vm} state={state} onDestroy={onDestroy} />
    </article>
  );
}
