import { operation, type Operation } from "../../kernel/operation";
import { getProjectionDrift, getServerMetrics } from "./metrics.queries";
import { ProjectionDriftView, ServerMetricsView } from "./metrics.schemas";

const TAG = "Metrics";

export const operations: readonly Operation[] = [
  operation({ id: "governance.metrics.server", method: "get", path: "/api/v1/metrics/server", tag: TAG, summary: "Storage and tenants", auth: ["operator"], limit: "read", output: ServerMetricsView }).handle((_, ctx) => getServerMetrics(ctx)),
  operation({
    id: "governance.metrics.projection-drift",
    method: "get",
    path: "/api/v1/metrics/projection-drift",
    tag: TAG,
    summary: "How far the copies of tenants and policies disagree with their sources",
    auth: ["operator"],
    limit: "read",
    output: ProjectionDriftView,
  }).handle((_, ctx) => getProjectionDrift(ctx)),
];
