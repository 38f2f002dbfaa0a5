import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Loading, PageHead, Pill, ReadProblem, rowClass, RowArrow, Rows, type Tone } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { cx } from "../../ui/cx";
import { RelativeTime } from "../../ui/relative-time";
import { TrailRow } from "../audit/trail-row";
import { BudgetBar } from "../budgets/budget-bar";
import { globalBudgetQuery, participationQuery, trailQuery } from "../governance-query";
import type { Participation, TenantParticipation } from "../governance.types";
import { Card, Read } from "../parts";
import { Drift } from "./drift";
import { SpendSection } from "./spend-section";

const SHOWN_TENANTS = 8;
const SHOWN_ENTRIES = 6;
const linkClass = "rounded-sm text-[0.8125rem] text-muted underline underline-offset-2 hover:text-ink";

/** Does everybody keep to the rules, do the copies agree, and what does it cost. */
export function OverviewPage() {
  usePageTitle("Governance");
  return (
    <div data-testid="governance-overview" className="grid grid-cols-1 gap-7">
      <PageHead title="Governance" note="What each team's agents may do, know and spend" />
      <Read result={useQuery(participationQuery)} what="who participates" rows={3}>
        {(report) => <Participating report={report} />}
      </Read>
      <Drift />
      <Section
        title="The organisation's budget"
        aside={
          <Link to="/governance/budgets" className={linkClass}>
            Budgets
          </Link>
        }
      >
        <Read result={useQuery(globalBudgetQuery)} what="the budget" rows={1}>
          {(budget) => (
            <Card>
              <BudgetBar name={`This month, until ${budget.resetDate.slice(0, 10)}`} budget={budget} />
            </Card>
          )}
        </Read>
      </Section>
      <SpendSection />
      <Newest />
    </div>
  );
}

function Participating({ report }: { report: Participation }) {
  const attention = report.tenants.filter(({ severity }) => severity !== "ok").sort((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  return (
    <>
      <dl data-testid="participation" className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Tile label="Participating" value={`${report.participating} of ${report.total}`} note="heard from within 15 minutes" />
        <Tile label="Drifted" value={report.drifted} note="run another awareness version" tone={report.drifted > 0 ? "warn" : undefined} />
        <Tile label="Critical" value={report.critical} note="broke a rule" tone={report.critical > 0 ? "bad" : undefined} />
        <Tile label="Warning" value={report.warning} note="silent or drifted" tone={report.warning > 0 ? "warn" : undefined} />
      </dl>
      <Section title="Tenants that need a look">
        {attention.length === 0 ? (
          <Nothing>{report.total === 0 ? "There is no tenant yet." : "None: all participate, none drifted, none broke a rule."}</Nothing>
        ) : (
          <Rows label="Tenants that need a look">
            {attention.slice(0, SHOWN_TENANTS).map((one) => (
              <AttentionRow key={one.tenant} one={one} />
            ))}
          </Rows>
        )}
        {attention.length > SHOWN_TENANTS && <p className="text-[0.8125rem] text-muted">And {countOf(attention.length - SHOWN_TENANTS, "more")}.</p>}
      </Section>
    </>
  );
}

const TEXT_TONE = { warn: "text-warn", bad: "text-bad" } as const;

function Tile({ label, value, note, tone }: { label: string; value: number | string; note: string; tone?: "warn" | "bad" | undefined }) {
  return (
    <div className="flex min-w-0 flex-col rounded-xl border border-line bg-surface px-4 py-3 shadow-card">
      <dt className="text-[0.8125rem] text-muted">{label}</dt>
      <dd className="min-w-0">
        <span className={cx("block text-2xl font-semibold tracking-tight", tone && TEXT_TONE[tone])}>{typeof value === "number" ? value.toLocaleString() : value}</span>
        <span className="block text-xs text-muted">{note}</span>
      </dd>
    </div>
  );
}

const SEVERITY_TONE: Record<TenantParticipation["severity"], Tone> = { ok: "ok", warning: "warn", critical: "bad" };

function AttentionRow({ one }: { one: TenantParticipation }) {
  const last = one.recentViolations[0];
  return (
    <li className={rowClass}>
      <Link to="/governance/tenants/$name" params={{ name: one.tenant }} data-testid="attention" data-severity={one.severity} className="flex items-center gap-x-4 px-4 py-3 text-[0.8125rem] outline-offset-[-2px] hover:bg-sunken/60">
        <span className="min-w-0 flex-1">
          <span className="block text-sm font-medium [overflow-wrap:anywhere]">{one.tenant}</span>
          <span className="block text-muted [overflow-wrap:anywhere]">
            {last ? (
              <>
                {countOf(one.policyViolations, "violation")}, last {last.kind} <code className="font-mono text-xs">{last.subject}</code> <RelativeTime at={last.at} />
              </>
            ) : one.lastSeenAt === null ? (
              "never heard from"
            ) : one.drifted ? (
              <>
                runs {one.runningContractVersion ?? "no version"} in place of {one.expectedContractVersion}
              </>
            ) : (
              <>
                silent, last seen <RelativeTime at={one.lastSeenAt} />
              </>
            )}
          </span>
        </span>
        <Pill tone={SEVERITY_TONE[one.severity]}>{one.severity}</Pill>
        <RowArrow />
      </Link>
    </li>
  );
}

function Newest() {
  const { data, error, isFetching, refetch } = useInfiniteQuery(trailQuery(""));
  const entries = data?.pages.flatMap((page) => page.data);
  return (
    <Section
      title="Newest changes"
      aside={
        <Link to="/governance/audit" className={linkClass}>
          All of the audit
        </Link>
      }
    >
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {entries ? (
        entries.length === 0 ? (
          <Nothing>Nothing was changed yet.</Nothing>
        ) : (
          <Rows label="Newest changes">
            {entries.slice(0, SHOWN_ENTRIES).map((entry) => (
              <TrailRow key={entry.id} entry={entry} />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="the audit" />
      )}
    </Section>
  );
}
