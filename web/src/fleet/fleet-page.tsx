import { useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { usePageTitle } from "../lib/use-page-title";
import { ParkedNotice } from "../plan/parked-notice";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { ErrorNotice } from "../ui/error-notice";
import { Skeleton } from "../ui/skeleton";
import { EmptyFleet } from "./empty-fleet";
import { FilterBar } from "./filter-bar";
import { FleetAnnouncer } from "./fleet-announcer";
import { useFleetConnection } from "./fleet-connection";
import { countStatuses, filterEntries, sortEntries, type FleetFilter } from "./fleet-filter";
import { FleetSummary } from "./fleet-summary";
import type { FleetState, MachineEntry } from "./fleet.types";
import { LiveIndicator } from "./live-indicator";
import { MachineCard } from "./machine-card";
import { RemoveMachineDialog } from "./remove-machine-dialog";
import { useFleet, useRestartGateway } from "./use-fleet";
import { useGrowingCount } from "./use-growing-count";

const FILTER_FROM = 9;
const URL_PAUSE_MS = 250;

export function FleetPage() {
  usePageTitle("Fleet");
  const fleet = useFleet();
  const { status } = useFleetConnection();
  return (
    <div data-testid="fleet-page" data-live={status === "connecting" ? "reconnecting" : status} className="grid grid-cols-1 gap-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <h1 className="text-2xl font-semibold tracking-tight">Fleet</h1>
        <LiveIndicator />
      </div>
      {fleet.data ? (
        <Fleet state={fleet.data} isStale={status === "offline"} />
      ) : fleet.isError ? (
        <ErrorNotice error={fleet.error} action={<RetryButton isBusy={fleet.isFetching} onClick={() => void fleet.refetch()} />} />
      ) : (
        <FleetSkeleton />
      )}
    </div>
  );
}

function RetryButton({ isBusy, onClick }: { isBusy: boolean; onClick: () => void }) {
  return (
    <Button size="sm" busy={isBusy} onClick={onClick}>
      Try again
    </Button>
  );
}

/** Colour says what a machine does now; without a connection nobody knows, so the colour goes. */
function Fleet({ state, isStale }: { state: FleetState; isStale: boolean }) {
  const entries = useMemo(() => sortEntries(state.entries), [state.entries]);
  return (
    <>
      <FleetAnnouncer transitions={state.transitions} />
      {entries.length === 0 ? (
        <EmptyFleet />
      ) : (
        <div className={cx("grid grid-cols-1 gap-4 transition-[filter]", isStale && "grayscale")}>
          <ParkedNotice />
          <FleetSummary entries={entries} overview={state.overview} />
          <Machines entries={entries} />
        </div>
      )}
    </>
  );
}

function Machines({ entries }: { entries: MachineEntry[] }) {
  const [filter, setFilter] = useFilter();
  const applied = useDeferredValue(filter);
  const [removingId, setRemovingId] = useState<string | null>(null);
  const restart = useRestartGateway();
  const shown = useMemo(() => filterEntries(entries, applied), [entries, applied]);
  const isFiltering = filter.text !== "" || filter.status !== null;
  const { count, sentinel } = useGrowingCount(shown.length);
  const removing = entries.find(({ machine }) => machine.instanceId === removingId);
  return (
    <section aria-label="Machines" className="grid grid-cols-1 gap-4">
      {(entries.length >= FILTER_FROM || isFiltering) && (
        <FilterBar filter={filter} counts={countStatuses(entries)} total={entries.length} onChange={setFilter} />
      )}
      {shown.length === 0 ? (
        <div className="grid justify-items-center gap-3 rounded-xl border border-dashed border-line-strong/60 px-4 py-14 text-center text-muted">
          No machine matches this filter.
          <Button size="sm" onClick={() => setFilter({ text: "", status: null })}>
            Show all
          </Button>
        </div>
      ) : (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,21rem),1fr))] gap-3">
          {shown.slice(0, count).map((entry) => (
            <MachineCard key={entry.machine.instanceId} entry={entry} onRestart={restart} onRemove={setRemovingId} />
          ))}
        </div>
      )}
      <div ref={sentinel} aria-hidden />
      <RemoveMachineDialog entry={removing ?? null} onClose={() => setRemovingId(null)} />
    </section>
  );
}

/** The filter answers at once and reaches the address a moment later, so that a view can be shared or reloaded. */
function useFilter(): [FleetFilter, (filter: FleetFilter) => void] {
  const search = useSearch({ from: "/signed-in/console/fleet" });
  const navigate = useNavigate();
  const [filter, setFilter] = useState<FleetFilter>({ text: search.q ?? "", status: search.status ?? null });
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(() => {
      const q = filter.text.trim();
      void navigate({
        to: "/fleet",
        search: { ...(q ? { q } : {}), ...(filter.status ? { status: filter.status } : {}) },
        replace: true,
        resetScroll: false,
      });
    }, URL_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [filter, navigate]);
  return [filter, setFilter];
}

function FleetSkeleton() {
  return (
    <div role="status" className="grid gap-5">
      <span className="sr-only">Loading the fleet</span>
      <Skeleton className="h-[4.75rem] rounded-xl" />
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,21rem),1fr))] gap-3">
        {[0, 1, 2].map((card) => (
          <div key={card} className="grid h-72 content-start gap-4 rounded-xl border border-line bg-surface p-4">
            <div className="flex justify-between">
              <Skeleton className="h-5 w-36" />
              <Skeleton className="h-5 w-16 rounded-full" />
            </div>
            <Skeleton className="h-4 w-48" />
            <Skeleton className="mt-2 h-4 w-full" />
            <Skeleton className="h-4 w-full" />
            <Skeleton className="h-4 w-full" />
            <Skeleton className="mt-6 h-8 w-32" />
          </div>
        ))}
      </div>
    </div>
  );
}
