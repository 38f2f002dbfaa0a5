import { operation } from "../../kernel/operation";
import { trackMedia } from "./track-media";
import { getUsage, listUsage } from "./usage.queries";
import { TrackedMediaView, TrackMediaBody, UsageListQuery, UsageListView, UsageView } from "./usage.schemas";

const TAG = "usage";

export const operations = [
  operation({
    id: "fleet.usage.get",
    method: "get",
    path: "/api/v1/me/usage",
    tag: TAG,
    summary: "What the caller uses of their plan",
    auth: ["user"],
    limit: "read",
    output: UsageView,
  }).handle((_input, ctx) => getUsage(ctx)),
  operation({
    id: "fleet.usage.track-media",
    method: "post",
    path: "/api/v1/me/usage/track-media",
    tag: TAG,
    summary: "Count an upload of media against the plan",
    auth: ["user"],
    limit: "write",
    idempotent: true,
    audit: "usage.track_media",
    body: TrackMediaBody,
    output: TrackedMediaView,
  }).handle(({ body }, ctx) => trackMedia(ctx, body)),
  operation({
    id: "fleet.usage.list",
    method: "get",
    path: "/api/v1/admin/usage",
    tag: "admin",
    summary: "What everybody uses, by month",
    auth: ["admin"],
    limit: "read",
    query: UsageListQuery,
    output: UsageListView,
  }).handle(({ query }, ctx) => listUsage(ctx, query)),
];
