import { z } from "zod";

const Counts = z.object({ sourceCount: z.int(), projectionCount: z.int(), driftCount: z.int() });
const Lag = z.object({ maxProjectionLagSeconds: z.int().nullable(), measuredProjectionCount: z.int(), unresolvedMissingProjectionCount: z.int() });

export const ProjectionDriftView = z
  .object({
    tenant: Counts,
    accessPolicy: Counts,
    evaluatedAt: z.iso.datetime(),
    alertFired: z.boolean().meta({ description: "Whether an alert about this drift was delivered" }),
    mode: z.literal("detect-only"),
    sampledAt: z.iso.datetime(),
    summary: z.object({ totalDriftCount: z.int(), resourceCount: z.literal(2) }),
    alert: z.object({ enabled: z.boolean(), threshold: z.int(), exceeded: z.boolean(), state: z.enum(["ok", "alert"]) }),
    resources: z.object({ tenant: Counts, accessPolicy: Counts }),
    lag: z.object({ maxProjectionLagSeconds: z.int().nullable(), resources: z.object({ tenant: Lag, accessPolicy: Lag }) }),
  })
  .meta({ id: "ProjectionDrift" });

export const ServerMetricsView = z
  .object({
    cpuPercent: z.number().meta({ description: "0: what runs here has no processor of its own" }),
    memoryUsedBytes: z.int().meta({ description: "0: nobody tells" }),
    memoryTotalBytes: z.int().meta({ description: "Most that one isolate gets" }),
    storageUsedBytes: z.int().meta({ description: "The database and the skills' contents" }),
    storageTotalBytes: z.int().meta({ description: "Most that the database holds" }),
    databaseBytes: z.int(),
    skillBytes: z.int(),
    activeTenants: z.int(),
    tenants: z.object({ total: z.int(), pending: z.int(), running: z.int(), suspended: z.int(), error: z.int() }),
    sampledAt: z.iso.datetime(),
  })
  .meta({ id: "ServerMetrics" });
