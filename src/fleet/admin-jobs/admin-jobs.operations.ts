import { operation } from "../../kernel/operation";
import { getJob, getJobsStatus } from "./admin-jobs.queries";
import { AdminJobRef, AdminJobsStatusView, AdminJobView } from "./admin-jobs.schemas";
import { refreshMatrixStatus } from "./refresh-matrix-status";

const TAG = "admin";

export const operations = [
  operation({
    id: "fleet.admin-jobs.get-status",
    method: "get",
    path: "/api/v1/admin/jobs/status",
    tag: TAG,
    summary: "Whether the schedule runs, and the last ten jobs",
    auth: ["admin"],
    limit: "read",
    output: AdminJobsStatusView,
  }).handle((_input, ctx) => getJobsStatus(ctx)),
  operation({
    id: "fleet.admin-jobs.refresh-matrix-status",
    method: "post",
    path: "/api/v1/admin/jobs/matrix-status-refresh",
    tag: TAG,
    summary: "Ask the homeserver about everybody's account; answers the job that is at it already, if any",
    auth: ["admin"],
    limit: "write",
    audit: "admin_job.start",
    output: AdminJobView,
  }).handle((_input, ctx) => refreshMatrixStatus(ctx)),
  operation({
    id: "fleet.admin-jobs.get",
    method: "get",
    path: "/api/v1/admin/jobs/{job_id}",
    tag: TAG,
    summary: "How one job goes",
    auth: ["admin"],
    limit: "read",
    params: AdminJobRef,
    output: AdminJobView,
  }).handle(({ params }, ctx) => getJob(ctx, params)),
];
