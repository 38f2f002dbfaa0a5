import { operation } from "../../kernel/operation";
import { listTokenUsage } from "./token-usage.queries";
import { UsageListView, UsageQuery } from "./token-usage.schemas";

export const operations = [
  operation({
    id: "governance.token-usage.list",
    method: "get",
    path: "/api/v1/token-usage",
    tag: "Token Usage",
    summary: "Settled model calls, newest first",
    auth: ["operator"],
    limit: "read",
    query: UsageQuery,
    output: UsageListView,
  }).handle(({ query }, ctx) => listTokenUsage(ctx, query)),
];
