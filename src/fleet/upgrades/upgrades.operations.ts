import { operation } from "../../kernel/operation";
import { dismissUpgrade } from "./dismiss-upgrade";
import { getActiveUpgrade } from "./read-upgrade";
import { resolveUpgrade } from "./resolve-upgrade";
import { DismissedUpgradeView, MaybeActiveUpgradeView, ResolvedUpgradeView, ResolveUpgradeBody, UpgradeRef } from "./upgrades.schemas";

const TAG = "upgrade";

export const operations = [
  operation({
    id: "fleet.upgrades.get-active",
    method: "get",
    path: "/api/v1/me/upgrade-requests/active",
    tag: TAG,
    summary: "What of the caller's parked things may come back; null when nothing is asked",
    auth: ["user"],
    limit: "read",
    output: MaybeActiveUpgradeView,
  }).handle((_input, ctx) => getActiveUpgrade(ctx)),
  operation({
    id: "fleet.upgrades.resolve",
    method: "post",
    path: "/api/v1/me/upgrade-requests/{request_id}/resolve",
    tag: TAG,
    summary: "Say what of one feature comes back",
    auth: ["user"],
    limit: "write",
    audit: "upgrade.resolve",
    params: UpgradeRef,
    body: ResolveUpgradeBody,
    output: ResolvedUpgradeView,
  }).handle(({ params, body }, ctx) => resolveUpgrade(ctx, { ...params, ...body })),
  operation({
    id: "fleet.upgrades.dismiss",
    method: "post",
    path: "/api/v1/me/upgrade-requests/{request_id}/dismiss",
    tag: TAG,
    summary: "Leave everything parked",
    auth: ["user"],
    limit: "write",
    audit: "upgrade.dismiss",
    params: UpgradeRef,
    output: DismissedUpgradeView,
  }).handle(({ params }, ctx) => dismissUpgrade(ctx, params)),
];
