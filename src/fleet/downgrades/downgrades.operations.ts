import { operation } from "../../kernel/operation";
import { getActiveDowngrade, listDowngradeRequests, reportOverCapacity } from "./downgrades.queries";
import { DowngradeListView, DowngradeRef, ListDowngradesQuery, ManualDowngradeBody, MaybeActiveDowngradeView, OverCapacityQuery, OverCapacityView, ResolvedDowngradeView, ResolveDowngradeBody } from "./downgrades.schemas";
import { requestDowngrade } from "./request-downgrade";
import { resolveDowngrade } from "./resolve-downgrade";

const TAG = "downgrade";

export const operations = [
  operation({
    id: "fleet.downgrades.request",
    method: "post",
    path: "/api/v1/me/subscription/downgrade",
    tag: TAG,
    summary: "Go down to another plan; answers what must be chosen, null when everything fits",
    auth: ["user"],
    limit: "write",
    audit: "downgrade.request",
    body: ManualDowngradeBody,
    output: MaybeActiveDowngradeView,
  }).handle(({ body }, ctx) => requestDowngrade(ctx, body)),
  operation({
    id: "fleet.downgrades.get-active",
    method: "get",
    path: "/api/v1/me/downgrade-requests/active",
    tag: TAG,
    summary: "What the caller must choose of; null when nothing is asked",
    auth: ["user"],
    limit: "read",
    output: MaybeActiveDowngradeView,
  }).handle((_input, ctx) => getActiveDowngrade(ctx)),
  operation({
    id: "fleet.downgrades.resolve",
    method: "post",
    path: "/api/v1/me/downgrade-requests/{request_id}/resolve",
    tag: TAG,
    summary: "Say what of one feature stays; may be repeated while the request is open",
    auth: ["user"],
    limit: "write",
    audit: "downgrade.resolve",
    params: DowngradeRef,
    body: ResolveDowngradeBody,
    output: ResolvedDowngradeView,
  }).handle(({ params, body }, ctx) => resolveDowngrade(ctx, { ...params, ...body })),
  operation({
    id: "fleet.downgrades.list-all",
    method: "get",
    path: "/api/v1/admin/downgrade-requests",
    tag: "admin",
    summary: "Downgrade requests of everybody, newest first",
    auth: ["admin"],
    limit: "read",
    query: ListDowngradesQuery,
    output: DowngradeListView,
  }).handle(({ query }, ctx) => listDowngradeRequests(ctx, query)),
  operation({
    id: "fleet.downgrades.over-capacity",
    method: "get",
    path: "/api/v1/admin/over-capacity",
    tag: "admin",
    summary: "Who has more than their plan carries: one row per person and feature",
    auth: ["admin"],
    limit: "read",
    query: OverCapacityQuery,
    output: OverCapacityView,
  }).handle(({ query }, ctx) => reportOverCapacity(ctx, query)),
];
