import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, type ReactNode } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { formatSpan } from "../../lib/format";
import { Nothing, Section } from "../../machine/section";
import { buttonClass } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import { Skeleton } from "../../ui/skeleton";
import { Loading, PageHead, ReadProblem } from "../parts";
import { formatMs, listTroubles, type LagTrack, type Trouble } from "./health.core";
import { cronQuery, findingsQuery, lagQuery, statsQuery } from "./ops-query";

const SampleChart = lazy(() => import("../../machine/sample-chart"));

/** Is anything late, and what is wrong: the first page when something seems to be. */
export function HealthPage() {
  usePageTitle("Health");
  const lag = useQuery(lagQuery);
  const cron = useQuery(cronQuery);
  const findings = useInfiniteQuery(findingsQuery("open"));
  const failed = lag.error ?? cron.error ?? findings.error;
  const retry = (): void => {
    for (const query of [lag, cron, findings]) if (query.error !== null) void query.refetch();
  };
  const isWhole = lag.data && cron.data && findings.data;
  return (
    <div data-testid="health" className="grid grid-cols-1 gap-6">
      <PageHead
        title="Health"
        note={
          lag.dataUpdatedAt > 0 && (
            <>
              looked <RelativeTime at={new Date(lag.dataUpdatedAt).toISOString()} />, again every 10 s
            </>
          )
        }
      />
      {failed !== null && <ReadProblem error={failed} isBusy={lag.isFetching || cron.isFetching || findings.isFetching} onRetry={retry} />}
      {isWhole ? (
        <>
          <Troubles troubles={listTroubles(lag.data.lag, cron.data, findings.data.pages.flatMap((page) => page.findings).length, lag.dataUpdatedAt)} />
          <Tiles track={lag.data} />
          <Course track={lag.data} />
        </>
      ) : (
        failed === null && <Loading what="how the server is" rows={5} />
      )}
      <Counts />
    </div>
  );
}

function Troubles({ troubles }: { troubles: readonly Trouble[] }) {
  if (troubles.length === 0) {
    return (
      <Notice tone="ok">
        <span data-testid="all-well">Everything is in time: nothing waits too long, nothing was given up, every job ended well.</span>
      </Notice>
    );
  }
  return (
    <div className="grid gap-2">
      {troubles.map(({ tone, title, advice, to }) => (
        <Notice
          key={title}
          tone={tone}
          action={
            to && (
              <Link to={to} className={buttonClass("secondary", "sm")}>
                Look
              </Link>
            )
          }
        >
          <span data-testid="trouble" data-tone={tone} className="font-medium">
            {title}.
          </span>{" "}
          {advice}
        </Notice>
      ))}
    </div>
  );
}

function Tiles({ track: { lag } }: { track: LagTrack }) {
  const { outbox, queue, dead_letters: letters } = lag;
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Tile label="Effects due" value={outbox.due.toLocaleString()} note={outbox.due === 0 ? "nothing waits" : `the oldest for ${formatSpan(outbox.oldest_age_seconds)}`} />
      <Tile label="Effects given up" value={outbox.parked.toLocaleString()} isBad={outbox.parked > 0} note={outbox.parked === 0 ? "none" : "waiting for somebody"} />
      <Tile
        label="Messages late"
        value={queue.late_ms === null ? "–" : formatMs(queue.late_ms.p95)}
        note={queue.late_ms === null ? "none in the last hour" : `p95 of ${queue.handled_last_hour.toLocaleString()}${queue.capped ? " or more" : ""} in an hour; p50 ${formatMs(queue.late_ms.p50)}, worst ${formatMs(queue.late_ms.max)}`}
      />
      <Tile label="Dead letters" value={letters.total.toLocaleString()} isBad={letters.total > 0} note={letters.total === 0 ? "none" : letters.by_type.map(({ type, count }) => `${count} ${type}`).join(", ")} />
    </dl>
  );
}

function Tile({ label, value, note, isBad = false }: { label: string; value: string; note: ReactNode; isBad?: boolean }) {
  return (
    <div className="flex min-w-0 flex-col rounded-xl border border-line bg-surface px-4 py-3 shadow-card">
      <dt className="text-[0.8125rem] text-muted">{label}</dt>
      <dd className="min-w-0">
        <span className={cx("block text-2xl font-semibold tracking-tight", isBad && "text-warn")}>{value}</span>
        <span className="block text-xs text-muted [overflow-wrap:anywhere]">{note}</span>
      </dd>
    </div>
  );
}

/** Above what is usual, so that a quiet server draws a flat line at the bottom and not noise. */
const AGE_TOP_SECONDS = 60;
const LATE_TOP_MS = 1_000;
const formatSeconds = (seconds: number): string => formatSpan(seconds);

function Course({ track: { samples } }: { track: LagTrack }) {
  const { atSeconds, ages, late } = useMemo(
    () => ({ atSeconds: samples.map(({ atMs }) => atMs / 1000), ages: samples.map(({ oldestSeconds }) => oldestSeconds), late: samples.map(({ lateMs }) => lateMs) }),
    [samples],
  );
  return (
    <Section title="Since you opened this page">
      {samples.length < 2 ? (
        <Nothing>The lines begin with the second look, in ten seconds. The server keeps no history of them.</Nothing>
      ) : (
        <>
          <div className="grid gap-3 sm:grid-cols-2">
            <Chart title="Oldest effect that is due" atSeconds={atSeconds} values={ages} max={AGE_TOP_SECONDS} format={formatSeconds} />
            <Chart title="Messages handled late (p95)" atSeconds={atSeconds} values={late} max={LATE_TOP_MS} format={formatMs} />
          </div>
          <details className="text-[0.8125rem]">
            <summary className="w-fit rounded-sm text-muted hover:text-ink">Show as a table</summary>
            <div className="mt-2 max-h-64 overflow-auto rounded-xl border border-line" tabIndex={0} role="region" aria-label="Looks">
              <table className="w-full text-left">
                <thead className="sticky top-0 bg-sunken text-muted">
                  <tr>
                    {["Time", "Oldest due", "Late (p95)"].map((head) => (
                      <th key={head} scope="col" className="px-4 py-2 font-medium">
                        {head}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {samples.toReversed().map(({ atMs, oldestSeconds, lateMs }) => (
                    <tr key={atMs} className="border-t border-line">
                      <td className="px-4 py-1.5">{new Date(atMs).toLocaleTimeString()}</td>
                      <td className="px-4 py-1.5">{formatSpan(oldestSeconds)}</td>
                      <td className="px-4 py-1.5">{lateMs === null ? "–" : formatMs(lateMs)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        </>
      )}
    </Section>
  );
}

interface ChartProps {
  title: string;
  atSeconds: number[];
  values: (number | null)[];
  max: number;
  format: (value: number) => string;
}

function Chart({ title, values, format, ...rest }: ChartProps) {
  const last = values.findLast((value) => value !== null);
  return (
    <figure className="min-w-0 rounded-xl border border-line bg-surface p-4 pb-2 shadow-card">
      <figcaption className="flex items-baseline justify-between text-[0.8125rem]">
        <span className="text-muted">{title}</span>
        <span className="font-medium">{last === undefined || last === null ? "–" : format(last)}</span>
      </figcaption>
      <Suspense fallback={<Skeleton className="mt-2 h-36" />}>
        <SampleChart title={title} values={values} format={format} over="since this page was opened" {...rest} />
      </Suspense>
    </figure>
  );
}

function Counts() {
  const { data, error, isFetching, refetch } = useQuery(statsQuery);
  if (!data) return error === null ? <Skeleton className="h-24 rounded-xl" /> : <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />;
  const { recent_activity: recent } = data;
  return (
    <Section title="How much there is">
      <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Tile label="People" value={data.total_users.toLocaleString()} note={`${data.verified_users.toLocaleString()} verified, ${data.deleted_users.toLocaleString()} deleted`} />
        <Tile label="Machines" value={data.total_instances.toLocaleString()} note="registered" />
        <Tile label="Bots" value={data.total_bots.toLocaleString()} note="active" />
        <Tile label="Last seven days" value={recent.signups_last_7_days.toLocaleString()} note={`new people; ${recent.logins_last_7_days.toLocaleString()} sign-ins`} />
      </dl>
    </Section>
  );
}
