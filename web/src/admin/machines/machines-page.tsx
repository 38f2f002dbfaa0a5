import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { countOf } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { RelativeTime } from "../../ui/relative-time";
import type { ListedMachine } from "../admin.types";
import { machinesQuery } from "../admin-query";
import { describeTotal, ownerName } from "../lists.core";
import { Loading, More, PageHead, Pill, ReadProblem, RowArrow, rowClass, Rows, SearchField } from "../parts";

/** Machines of everybody, newest first. */
export function MachinesPage() {
  usePageTitle("Machines");
  const { q = "" } = useSearch({ from: "/signed-in/console/admin/machines" });
  const navigate = useNavigate();
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(machinesQuery(q.trim()));
  const search = useCallback((text: string) => void navigate({ to: "/admin/machines", search: text ? { q: text } : {}, replace: true }), [navigate]);
  const machines = data?.pages.flatMap((page) => page.instances);
  return (
    <div data-testid="machines" className="grid grid-cols-1 gap-4">
      <PageHead title="Machines" note={data?.pages[0] && describeTotal(data.pages[0], "machine")} />
      <search className="flex">
        <SearchField label="Search machines" placeholder="Id or label, from its beginning" value={q} onChange={search} />
      </search>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {machines ? (
        machines.length === 0 ? (
          <Nothing>No machine fits.</Nothing>
        ) : (
          <Rows label="Machines">
            {machines.map((machine) => (
              <MachineRow key={machine.id} machine={machine} />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="machines" rows={8} />
      )}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </div>
  );
}

function MachineRow({ machine }: { machine: ListedMachine }) {
  const { owner } = machine;
  return (
    <li className={rowClass}>
      <div className="flex items-center gap-3 pr-4">
        <Link
          to="/admin/people/$userId/machines/$instanceId"
          params={{ userId: String(machine.user_id), instanceId: machine.instance_id }}
          data-testid="machine-row"
          data-instance-id={machine.instance_id}
          className="min-w-0 flex-1 rounded-xl py-2.5 pl-4 outline-offset-[-2px] transition-colors hover:bg-sunken/60"
        >
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="font-medium [overflow-wrap:anywhere]">{machine.label || machine.instance_id}</span>
            <Pill tone={machine.archived_at !== null ? "quiet" : machine.online ? "ok" : "bad"}>{machine.archived_at !== null ? "Archived" : machine.online ? "Online" : "Offline"}</Pill>
            {machine.is_cloud && <Pill tone="info">Cloud</Pill>}
            {machine.plan_disabled_at !== null && <Pill tone="warn">Off by plan</Pill>}
          </span>
          <span className="block text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
            since <RelativeTime at={machine.online_changed_at} form="span" /> · {countOf(machine.bots.length, "bot")}
            {machine.has_more_bots && " or more"} · <code className="font-mono text-xs">{machine.instance_id}</code>
          </span>
        </Link>
        <Link to="/admin/people/$userId" params={{ userId: String(owner.id) }} className="max-w-[40%] shrink-0 truncate rounded-sm text-[0.8125rem] text-muted underline-offset-2 hover:text-ink hover:underline">
          {ownerName(owner)}
        </Link>
        <RowArrow />
      </div>
    </li>
  );
}
