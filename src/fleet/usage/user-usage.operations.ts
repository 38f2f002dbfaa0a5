import { operation } from "../../kernel/operation";
import { getUserUsage } from "./usage.queries";
import { PeriodQuery, UserRef, UserUsageView } from "./usage.schemas";

/** Below a person's id, beside what other features tell of a person. */
export const operations = [
  operation({
    id: "fleet.usage.get-of-user",
    method: "get",
    path: "/api/v1/admin/users/{user_id}/usage",
    tag: "admin",
    summary: "What somebody uses of their plan, with the newest events",
    auth: ["admin"],
    limit: "read",
    params: UserRef,
    query: PeriodQuery,
    output: UserUsageView,
  }).handle(({ params, query }, ctx) => getUserUsage(ctx, { ...params, ...query })),
];
