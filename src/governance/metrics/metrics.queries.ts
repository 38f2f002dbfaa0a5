import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import type { DriftReport } from "../projections";
import { isExceeded, measureDrift } from "./measure-drift";
import type { ProjectionDriftView, ServerMetricsView } from "./metrics.schemas";
import { findDriftAlert, readServerCounts } from "./metrics.store";

/** Most memory of an isolate. */
const ISOLATE_BYTES = 128 * 1024 * 1024;
/** Most that a database holds. */
const DATABASE_BYTES = 10 * 1024 * 1024 * 1024;

const counts = ({ sourceCount, projectionCount, mismatches }: DriftReport) => ({ sourceCount, projectionCount, driftCount: mismatches.length });

/** How far D1 disagrees with the objects, now. Reading fires no alert: a tick does, once. */
export async function getProjectionDrift(ctx: Ctx): Promise<z.input<typeof ProjectionDriftView>> {
  const { threshold } = governanceConfig(ctx).drift;
  const [{ tenants, accessPolicy, total }, alert] = await Promise.all([measureDrift(ctx), findDriftAlert(ctx)]);
  const tenant = tenants.report;
  const exceeded = isExceeded(total, threshold);
  const at = iso(ctx.clock.now());
  const resources = { tenant: counts(tenant), accessPolicy: counts(accessPolicy) };
  const lags = [tenant.lag.maxProjectionLagSeconds, accessPolicy.lag.maxProjectionLagSeconds].filter((lag) => lag !== null);
  return {
    ...resources,
    evaluatedAt: at,
    alertFired: exceeded && (alert?.fingerprint ?? null) !== null,
    mode: "detect-only",
    sampledAt: at,
    summary: { totalDriftCount: total, resourceCount: 2 },
    alert: { enabled: threshold > 0, threshold, exceeded, state: exceeded ? "alert" : "ok" },
    resources,
    lag: { maxProjectionLagSeconds: lags.length === 0 ? null : Math.max(...lags), resources: { tenant: tenant.lag, accessPolicy: accessPolicy.lag } },
  };
}

/** What is known of the server: sizes and tenants. There is no host whose processor or memory could be told. */
export async function getServerMetrics(ctx: Ctx): Promise<z.input<typeof ServerMetricsView>> {
  const { byPhase, skillBytes, databaseBytes } = await readServerCounts(ctx);
  const of = (phase: string): number => byPhase[phase] ?? 0;
  const total = Object.values(byPhase).reduce((sum, count) => sum + count, 0);
  return {
    cpuPercent: 0,
    memoryUsedBytes: 0,
    memoryTotalBytes: ISOLATE_BYTES,
    storageUsedBytes: databaseBytes + skillBytes,
    storageTotalBytes: DATABASE_BYTES,
    databaseBytes,
    skillBytes,
    activeTenants: total - of("Suspended"),
    tenants: { total, pending: of("Pending"), running: of("Running"), suspended: of("Suspended"), error: of("Error") },
    sampledAt: iso(ctx.clock.now()),
  };
}
