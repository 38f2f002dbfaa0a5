import { z } from "zod";
import { operation, type Operation } from "../../kernel/operation";
import { DashboardStreamQuery } from "../streams";
import { watchCloudVm } from "./watch-cloud-vm";

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.cloud-vms.watch",
    method: "get",
    path: "/api/v1/openclaw/cloud-vm/{instance_id}/events",
    tag: "openclaw",
    summary: "A cloud machine's way into being, as server-sent events, until it settles",
    auth: ["user", "cliToken"],
    tokenInQuery: true,
    limit: "read",
    params: z.object({ instance_id: z.string().min(1).max(255) }),
    query: DashboardStreamQuery,
    produces: "text/event-stream",
  }).handle(({ params, query, request }, ctx) => watchCloudVm(ctx, request, params.instance_id, query)),
];
