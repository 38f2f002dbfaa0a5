import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { RelativeTime } from "../../ui/relative-time";
import { Skeleton } from "../../ui/skeleton";
import type { CronJob, CronRun } from "../admin.types";
import { Loading, More, PageHead, Pill, ReadProblem, rowClass, Rows, type Tone } from "../parts";
import { formatMs } from "./health.core";
import { cronFailuresQuery, cronQuery, cronRunsQuery } from "./ops-query";

const SampleChart = lazy(() => import("../../machine/sample-chart"));

const OUTCOME_TONE: Record<CronRun["outcome"], Tone> = { ok: "ok", failed: "bad", running: "info" };

/** The last tick of every job, the course of one, and all that failed. */
export function CronPage() {
  usePageTitle("Cron");
  const { job } = useSearch({ from: "/signed-in/console/admin/cron" });
  const { data, error, isFetching, refetch } = useQuery(cronQuery);
  return (
    <div data-testid="cron" className="grid grid-cols-1 gap-6">
      <PageHead title="Cron" />
      {job !== undefined && <JobCourse key={job} job={job} />}
      <Section title="Jobs">
        {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
        {data ? (
          data.length === 0 ? (
            <Nothing>No job has run yet. The first tick comes within a minute.</Nothing>
          ) : (
            <Rows label="Jobs">
              {data.map((one) => (
                <JobRow key={one.job} job={one} isChosen={one.job === job} />
              ))}
            </Rows>
          )
        ) : (
          error === null && <Loading what="jobs" rows={6} />
        )}
      </Section>
      <Failures />
    </div>
  );
}

function JobRow({ job, isChosen }: { job: CronJob; isChosen: boolean }) {
  return (
    <li className={rowClass}>
      <Link
        to="/admin/cron"
        search={isChosen ? {} : { job: job.job }}
        resetScroll={!isChosen}
        aria-current={isChosen || undefined}
        data-testid="cron-job"
        data-job={job.job}
        className="flex flex-wrap items-center gap-x-4 gap-y-1 rounded-xl px-4 py-2 text-[0.8125rem] outline-offset-[-2px] transition-colors hover:bg-sunken/60 aria-[current]:bg-sunken"
      >
        <span className="min-w-0 flex-1 basis-48 font-medium [overflow-wrap:anywhere]">{job.job}</span>
        <Pill tone={OUTCOME_TONE[job.outcome]}>{job.outcome === "ok" ? "Ended well" : job.outcome === "failed" ? "Failed" : "Running"}</Pill>
        {job.failures_last_day > 0 && <Pill tone="warn">{job.failures_last_day} failed in a day</Pill>}
        <span className="text-muted sm:w-16 sm:text-right">{job.duration_ms === null ? "–" : formatMs(job.duration_ms)}</span>
        <span className="text-muted sm:w-24 sm:text-right">
          <RelativeTime at={job.scheduled_at} />
        </span>
      </Link>
    </li>
  );
}

function JobCourse({ job }: { job: string }) {
  const { data, error, isFetching, refetch } = useQuery(cronRunsQuery(job));
  const { atSeconds, values } = useMemo(() => {
    const ended = (data ?? []).filter((run) => run.duration_ms !== null).toReversed();
    return { atSeconds: ended.map((run) => Date.parse(run.scheduled_at) / 1000), values: ended.map((run) => run.duration_ms) };
  }, [data]);
  return (
    <Section title={job}>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data ? (
        <>
          {atSeconds.length > 1 && (
            <figure className="min-w-0 rounded-xl border border-line bg-surface p-4 pb-2 shadow-card">
              <figcaption className="text-[0.8125rem] text-muted">How long each tick took</figcaption>
              <Suspense fallback={<Skeleton className="mt-2 h-36" />}>
                <SampleChart title={`How long ${job} took`} atSeconds={atSeconds} values={values} max={10} format={formatMs} over="over its last ticks" />
              </Suspense>
            </figure>
          )}
          {data.length === 0 ? <Nothing>It has not run.</Nothing> : <RunList label={`Ticks of ${job}`} runs={data.slice(0, 10)} />}
        </>
      ) : (
        error === null && <Loading what="its ticks" />
      )}
    </Section>
  );
}

function RunList({ label, runs, isNamed = false }: { label: string; runs: readonly CronRun[]; isNamed?: boolean }) {
  return (
    <Rows label={label}>
      {runs.map((run) => (
        <li key={`${run.job}-${run.scheduled_at}`} className={`${rowClass} flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 py-2 text-[0.8125rem]`}>
          <span className="w-40 shrink-0 text-muted">{new Date(run.scheduled_at).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })}</span>
          {isNamed && <span className="font-medium">{run.job}</span>}
          {run.outcome !== "ok" && <Pill tone={OUTCOME_TONE[run.outcome]}>{run.outcome === "failed" ? "Failed" : "Running"}</Pill>}
          {run.duration_ms !== null && <span className="text-muted">{formatMs(run.duration_ms)}</span>}
          {run.error !== null && <span className="min-w-0 basis-full text-bad [overflow-wrap:anywhere]">{run.error}</span>}
        </li>
      ))}
    </Rows>
  );
}

function Failures() {
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(cronFailuresQuery);
  const runs = data?.pages.flatMap((page) => page.runs);
  return (
    <Section title="What failed">
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {runs ? runs.length === 0 ? <Nothing>No tick failed in the last 30 days.</Nothing> : <RunList label="Ticks that failed" runs={runs} isNamed /> : error === null && <Loading what="failures" rows={2} />}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </Section>
  );
}
