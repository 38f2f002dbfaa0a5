import { iso } from "../../kernel/clock";
import { sha256Hex } from "../../kernel/crypto/bytes";
import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import type { DriftReport } from "../projections";
import { tidyDirectory } from "../tenants";
import { governanceServices } from "../services";
import { isExceeded, measureDrift, type MeasuredDrift } from "./measure-drift";
import { findDriftAlert, saveDriftAlert } from "./metrics.store";

/** Names in an alert: the report has them all. */
const SHOWN_MAX = 50;

/** Sends for a look at the drift. */
export async function enqueueDriftCheck(ctx: Ctx): Promise<void> {
  await ctx.services.jobs.send({ v: 1, id: ctx.requestId, type: "metrics.check_drift", payload: null });
}

/**
 * Alerts when there is more drift than the threshold allows, once for the same drift: another follows when something else drifts, or
 * when it comes back after it was gone. An alert that is not taken is sent again by the queue; one that was taken may come twice
 * when we die right after, with the same `id`.
 */
export async function checkDrift(ctx: Ctx): Promise<void> {
  const { threshold } = governanceConfig(ctx).drift;
  const drift = await measureDrift(ctx);
  await tidyDirectory(ctx, drift.tenants);
  const known = await findDriftAlert(ctx);
  if (!isExceeded(drift.total, threshold)) {
    if (known && (known.fingerprint !== null || known.driftCount !== drift.total)) await saveDriftAlert(ctx, { fingerprint: null, driftCount: drift.total, alertedAt: known.alertedAt });
    return;
  }
  const fingerprint = await fingerprintOf(drift);
  if (known?.fingerprint === fingerprint) return;
  ctx.log.warn("projections have drifted", { event: "projection.drifted", tenants: drift.tenants.report.mismatches.length, policies: drift.accessPolicy.mismatches.length, threshold });
  const { driftAlerts } = governanceServices(ctx);
  if (!driftAlerts) return;
  await driftAlerts.send({
    id: fingerprint,
    type: "opencrane.projection_drift.alert",
    firedAt: iso(ctx.clock.now()),
    threshold,
    totalDriftCount: drift.total,
    resources: { tenant: shown(drift.tenants.report), accessPolicy: shown(drift.accessPolicy) },
  });
  await saveDriftAlert(ctx, { fingerprint, driftCount: drift.total, alertedAt: ctx.clock.now() });
}

const shown = ({ mismatches }: DriftReport) => ({ driftCount: mismatches.length, mismatches: mismatches.slice(0, SHOWN_MAX) });

const fingerprintOf = ({ tenants, accessPolicy }: MeasuredDrift): Promise<string> => sha256Hex(JSON.stringify([tenants.report.mismatches, accessPolicy.mismatches].map((found) => found.map(({ name, issue, fields }) => [name, issue, fields ?? []]))));
