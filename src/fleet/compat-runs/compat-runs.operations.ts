import { operation } from "../../kernel/operation";
import { getLatestCompatRun, listCompatRuns } from "./compat-runs.queries";
import { CompatRunBody, CompatRunListView, CompatRunRef, DeletedRunsView, DeleteRunsQuery, DispatchedRunView, DispatchRunBody, LatestRunQuery, LatestRunView, ListRunsQuery, RecordedRunView } from "./compat-runs.schemas";
import { deleteRun, deleteRunsOfVersion } from "./delete-runs";
import { dispatchRun } from "./dispatch-run";
import { recordRun, requireSecret } from "./record-run";

const TAG = "admin";
const PATH = "/api/v1/admin/compat-runs";
/** Failing scenarios quote what they saw. */
const REPORT_MAX_BYTES = 2 * 1024 * 1024;

export const operations = [
  operation({
    id: "fleet.compat-runs.record",
    method: "post",
    path: PATH,
    tag: TAG,
    summary: "Report of a compatibility run, by the shared secret in X-Compat-Webhook-Secret",
    auth: ["none"],
    admit: (ctx, headers) => requireSecret(ctx, headers.get("x-compat-webhook-secret")),
    limit: "public",
    audit: "compat_run.record",
    body: CompatRunBody,
    maxBodyBytes: REPORT_MAX_BYTES,
    output: RecordedRunView,
  }).handle(({ body }, ctx) => recordRun(ctx, body)),
  operation({
    id: "fleet.compat-runs.list",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Compatibility runs, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListRunsQuery,
    output: CompatRunListView,
  }).handle(({ query }, ctx) => listCompatRuns(ctx, query)),
  operation({
    id: "fleet.compat-runs.get-latest",
    method: "get",
    path: `${PATH}/latest`,
    tag: TAG,
    summary: "The newest run of a version; null when it was never tried",
    auth: ["admin"],
    limit: "read",
    query: LatestRunQuery,
    output: LatestRunView,
  }).handle(({ query }, ctx) => getLatestCompatRun(ctx, query)),
  operation({
    id: "fleet.compat-runs.dispatch",
    method: "post",
    path: `${PATH}/dispatch`,
    tag: TAG,
    summary: "Start the workflow that tries a release",
    auth: ["admin"],
    limit: "write",
    audit: "compat_run.dispatch",
    body: DispatchRunBody,
    output: DispatchedRunView,
  }).handle(({ body }, ctx) => dispatchRun(ctx, body)),
  operation({
    id: "fleet.compat-runs.delete-version",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Remove every run of a version",
    auth: ["admin"],
    limit: "write",
    audit: "compat_run.delete_version",
    query: DeleteRunsQuery,
    output: DeletedRunsView,
  }).handle(({ query }, ctx) => deleteRunsOfVersion(ctx, query)),
  operation({
    id: "fleet.compat-runs.delete",
    method: "delete",
    path: `${PATH}/{run_id}`,
    tag: TAG,
    summary: "Remove one run",
    auth: ["admin"],
    limit: "write",
    audit: "compat_run.delete",
    params: CompatRunRef,
    output: DeletedRunsView,
  }).handle(({ params }, ctx) => deleteRun(ctx, params)),
];
