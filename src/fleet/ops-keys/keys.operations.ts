import { operation } from "../../kernel/operation";
import { getKeys, getResealRun, listResealRuns } from "./keys.queries";
import { KeyOverviewView, ListRunsQuery, ResealRunListView, ResealRunRef, ResealRunView } from "./keys.schemas";
import { startReseal } from "./start-reseal";

const TAG = "ops";
const PATH = "/api/v1/admin/ops/keys";

export const operations = [
  operation({
    id: "fleet.ops-keys.get",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "Which keys there are, what still needs them, and which may go",
    auth: ["admin"],
    limit: "read",
    output: KeyOverviewView,
  }).handle((_, ctx) => getKeys(ctx)),
  operation({
    id: "fleet.ops-keys.reseal",
    method: "post",
    path: `${PATH}/reseal`,
    tag: TAG,
    summary: "Seal everything anew under the newest key; while that runs, answers how far it is",
    auth: ["superadmin"],
    limit: "write",
    audit: "keys.reseal",
    output: ResealRunView,
    status: 202,
  }).handle((_, ctx) => startReseal(ctx)),
  operation({
    id: "fleet.ops-keys.list-runs",
    method: "get",
    path: `${PATH}/reseal`,
    tag: TAG,
    summary: "Walks that sealed everything anew, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListRunsQuery,
    output: ResealRunListView,
  }).handle(({ query }, ctx) => listResealRuns(ctx, query)),
  operation({
    id: "fleet.ops-keys.get-run",
    method: "get",
    path: `${PATH}/reseal/{run_id}`,
    tag: TAG,
    summary: "How far one of them is",
    auth: ["admin"],
    limit: "read",
    params: ResealRunRef,
    output: ResealRunView,
  }).handle(({ params }, ctx) => getResealRun(ctx, params)),
];
