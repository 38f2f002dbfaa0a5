import { operation } from "../../kernel/operation";
import { listTrail } from "./audit.queries";
import { ListTrailQuery, TrailPageView } from "./audit.schemas";

export const operations = [
  operation({
    id: "governance.audit.list",
    method: "get",
    path: "/api/v1/audit",
    tag: "Audit",
    summary: "Who changed what, newest first",
    auth: ["operator"],
    limit: "read",
    query: ListTrailQuery,
    output: TrailPageView,
  }).handle(({ query }, ctx) => listTrail(ctx, query)),
];
