import { operation } from "../../kernel/operation";
import { getStats } from "./admin-stats.queries";
import { AdminStatsView } from "./admin-stats.schemas";

export const operations = [
  operation({
    id: "fleet.admin-stats.get",
    method: "get",
    path: "/api/v1/admin/stats",
    tag: "admin",
    summary: "How many people, bots and machines there are, and what happened in the last seven days",
    auth: ["admin"],
    limit: "read",
    output: AdminStatsView,
  }).handle((_input, ctx) => getStats(ctx)),
];
