import { operation } from "../../kernel/operation";
import { inspectFeed, inspectInstance } from "./objects.queries";
import { FeedInspectionView, InspectAccountRef, InspectInstanceRef, InstanceInspectionView } from "./objects.schemas";

const TAG = "ops";
const PATH = "/api/v1/admin/ops/objects";

export const operations = [
  operation({
    id: "fleet.ops-objects.instance",
    method: "get",
    path: `${PATH}/accounts/{user_id}/instances/{instance_id}`,
    tag: TAG,
    summary: "A machine as its object has it: state, links, alarms, commands, events",
    auth: ["admin"],
    limit: "read",
    params: InspectInstanceRef,
    output: InstanceInspectionView,
  }).handle(({ params }, ctx) => inspectInstance(ctx, params)),
  operation({
    id: "fleet.ops-objects.feed",
    method: "get",
    path: `${PATH}/accounts/{user_id}/feed`,
    tag: TAG,
    summary: "An account's feed as its object has it: summaries, counters, streams, events",
    auth: ["admin"],
    limit: "read",
    params: InspectAccountRef,
    output: FeedInspectionView,
  }).handle(({ params }, ctx) => inspectFeed(ctx, params)),
];
