import { operation } from "../../kernel/operation";
import { getCronOverview, getLag, listFailures, listFindings, listRuns } from "./runs.queries";
import { CronJobRef, CronOverviewView, CronRunListView, FindingListView, LagView, ListFailuresQuery, ListFindingsQuery, ListRunsQuery } from "./runs.schemas";

const TAG = "ops";
const PATH = "/api/v1/admin/ops";

export const operations = [
  operation({
    id: "fleet.ops-runs.lag",
    method: "get",
    path: `${PATH}/lag`,
    tag: TAG,
    summary: "How late work in the background is",
    auth: ["admin"],
    limit: "read",
    output: LagView,
  }).handle((_, ctx) => getLag(ctx)),
  operation({
    id: "fleet.ops-runs.cron",
    method: "get",
    path: `${PATH}/cron`,
    tag: TAG,
    summary: "The last tick of every cron job, and how often it failed in a day",
    auth: ["admin"],
    limit: "read",
    output: CronOverviewView,
  }).handle((_, ctx) => getCronOverview(ctx)),
  operation({
    id: "fleet.ops-runs.list-failures",
    method: "get",
    path: `${PATH}/cron-failures`,
    tag: TAG,
    summary: "Ticks of all cron jobs that failed, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListFailuresQuery,
    output: CronRunListView,
  }).handle(({ query }, ctx) => listFailures(ctx, query)),
  operation({
    id: "fleet.ops-runs.list",
    method: "get",
    path: `${PATH}/cron/{job}`,
    tag: TAG,
    summary: "Ticks of one cron job, newest first",
    auth: ["admin"],
    limit: "read",
    params: CronJobRef,
    query: ListRunsQuery,
    output: CronRunListView,
  }).handle(({ params, query }, ctx) => listRuns(ctx, { ...params, ...query })),
  operation({
    id: "fleet.ops-runs.list-findings",
    method: "get",
    path: `${PATH}/findings`,
    tag: TAG,
    summary: "What reconcilers found that differs from what we know",
    auth: ["admin"],
    limit: "read",
    query: ListFindingsQuery,
    output: FindingListView,
  }).handle(({ query }, ctx) => listFindings(ctx, query)),
];
