import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { capitalise, humanise } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { RelativeTime } from "../../ui/relative-time";
import { Choice, Id, Loading, More, PageHead, Pill, RawFacts, ReadProblem, rowClass, Rows } from "../parts";
import { findingsQuery } from "./ops-query";

const STATES = [{ value: "resolved", label: "No more true" }] as const;

/** Where what is on record differs from what is there. */
export function FindingsPage() {
  usePageTitle("Findings");
  const state = useSearch({ from: "/signed-in/console/admin/findings" }).state === "resolved" ? "resolved" : "open";
  const navigate = useNavigate();
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(findingsQuery(state));
  const findings = data?.pages.flatMap((page) => page.findings);
  return (
    <div data-testid="findings" className="grid grid-cols-1 gap-4">
      <PageHead title="Findings" note="A finding closes by itself when it is true no more.">
        <Choice label="Still true" value={state === "resolved" ? state : null} options={STATES} onChange={(value) => void navigate({ to: "/admin/findings", search: value ? { state: value } : {} })} />
      </PageHead>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {findings ? (
        findings.length === 0 ? (
          <Nothing>{state === "open" ? "Everything matches what is on record." : "Nothing was found and closed yet."}</Nothing>
        ) : (
          <Rows label="Findings">
            {findings.map((finding) => (
              <li key={finding.id} data-testid="finding" className={`${rowClass} grid gap-2 px-4 py-3`}>
                <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  <span className="font-medium">{capitalise(humanise(finding.kind))}</span>
                  <Pill tone={finding.resolved_at === null ? "warn" : "quiet"}>{finding.resolved_at === null ? "Open" : "Closed"}</Pill>
                  <Id>{finding.subject}</Id>
                </div>
                <p className="text-[0.8125rem] text-muted">
                  {finding.driver} · found <RelativeTime at={finding.first_seen_at} /> · seen <RelativeTime at={finding.last_seen_at} />
                </p>
                <RawFacts label="Detail" value={finding.detail} />
              </li>
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="findings" />
      )}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </div>
  );
}
