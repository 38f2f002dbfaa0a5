import { operation } from "../../kernel/operation";
import { searchAudit } from "./audit.queries";
import { AuditPageView, SearchAuditQuery } from "./audit.schemas";

export const operations = [
  operation({
    id: "fleet.ops-audit.search",
    method: "get",
    path: "/api/v1/admin/ops/audit",
    tag: "ops",
    summary: "Who did what, newest first: by actor, action, subject, owner and time",
    auth: ["admin"],
    limit: "read",
    query: SearchAuditQuery,
    output: AuditPageView,
  }).handle(({ query }, ctx) => searchAudit(ctx, query)),
];
