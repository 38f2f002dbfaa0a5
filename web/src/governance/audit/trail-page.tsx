import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Loading, More, PageHead, ReadProblem, Rows, SearchField } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { trailQuery } from "../governance-query";
import { TrailRow } from "./trail-row";

/** Every change of governance. */
export function TrailPage() {
  usePageTitle("Governance audit");
  const navigate = useNavigate();
  const { tenant = "" } = useSearch({ from: "/signed-in/console/governance/audit" });
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(trailQuery(tenant));
  const entries = data?.pages.flatMap((page) => page.data);
  return (
    <div data-testid="trail" className="grid grid-cols-1 gap-4">
      <PageHead title="Audit" note="Newest first" />
      <div className="flex">
        <SearchField label="Only of the tenant" placeholder="Name of a tenant, as it is written" value={tenant} onChange={(next) => void navigate({ to: "/governance/audit", search: next.trim() ? { tenant: next.trim() } : {}, replace: true })} />
      </div>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {entries ? (
        entries.length === 0 ? (
          <Nothing>{tenant === "" ? "Nothing was changed yet." : `Nothing was changed that concerns ${tenant}.`}</Nothing>
        ) : (
          <Rows label="Entries">
            {entries.map((entry) => (
              <TrailRow key={entry.id} entry={entry} isFull />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="the audit" rows={8} />
      )}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </div>
  );
}
