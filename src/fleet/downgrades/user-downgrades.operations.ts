import { operation } from "../../kernel/operation";
import { cancelDowngrade } from "./cancel-downgrade";
import { getActiveDowngradeOf } from "./downgrades.queries";
import { AdminManualDowngradeBody, AdminManualUpgradeBody, CancelledDowngradeView, MaybeActiveDowngradeView, RaisedPlanView, ResolvedDowngradeView, ResolveDowngradeBody, UserDowngradeRef, UserRef } from "./downgrades.schemas";
import { raisePlan } from "./raise-plan";
import { imposeDowngrade } from "./request-downgrade";
import { resolveDowngradeFor } from "./resolve-downgrade";

const TAG = "downgrade";

/** What administrators do about one person; the paths begin with a person's id. */
export const operations = [
  operation({
    id: "fleet.downgrades.preview",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/downgrade-preview",
    tag: TAG,
    summary: "Somebody's open request as they see it; null when there is none",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    output: MaybeActiveDowngradeView,
  }).handle(({ params }, ctx) => getActiveDowngradeOf(ctx, params.user_id)),
  operation({
    id: "fleet.downgrades.impose",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/subscription/downgrade",
    tag: TAG,
    summary: "Take somebody down to another plan, here only: after a grace, or at once with force_immediate",
    auth: ["admin"],
    limit: "write",
    audit: "downgrade.request",
    params: UserRef,
    body: AdminManualDowngradeBody,
    output: MaybeActiveDowngradeView,
  }).handle(({ params, body }, ctx) => imposeDowngrade(ctx, { ...params, ...body })),
  operation({
    id: "fleet.downgrades.resolve-for",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/downgrade-requests/{request_id}/resolve",
    tag: TAG,
    summary: "Say for somebody what of one feature stays",
    auth: ["admin"],
    limit: "write",
    audit: "downgrade.resolve",
    params: UserDowngradeRef,
    body: ResolveDowngradeBody,
    output: ResolvedDowngradeView,
  }).handle(({ params, body }, ctx) => resolveDowngradeFor(ctx, { ...params, ...body })),
  operation({
    id: "fleet.downgrades.cancel",
    method: "delete",
    path: "/api/v1/admin/users/{user_id}/downgrade-requests/{request_id}",
    tag: TAG,
    summary: "Take a downgrade back, resolved or not",
    auth: ["admin"],
    limit: "write",
    audit: "downgrade.cancel",
    params: UserDowngradeRef,
    output: CancelledDowngradeView,
  }).handle(({ params }, ctx) => cancelDowngrade(ctx, params)),
  operation({
    id: "fleet.downgrades.raise-plan",
    method: "post",
    path: "/api/v1/admin/users/{user_id}/subscription/upgrade",
    tag: TAG,
    summary: "Give somebody a higher plan at once, here only",
    auth: ["admin"],
    limit: "write",
    audit: "plan.raise",
    params: UserRef,
    body: AdminManualUpgradeBody,
    output: RaisedPlanView,
  }).handle(({ params, body }, ctx) => raisePlan(ctx, { ...params, ...body })),
];
