import type { Ctx } from "../../kernel/context";
import { compareAll, measureLag, type Compared, type DriftReport } from "./drift.core";
import { listProjectedAt } from "./projections.store";

/**
 * What sources and copies of one kind disagree about, and how late the copies are.
 * @param kind as the outbox entries of these sources name it
 */
export async function assessDrift(ctx: Ctx, kind: string, fields: readonly string[], sources: readonly Compared[], rows: readonly Compared[]): Promise<DriftReport> {
  const projectedAt = await listProjectedAt(ctx, kind);
  return { comparedFields: fields, sourceCount: sources.length, projectionCount: rows.length, mismatches: compareAll(sources, rows, fields), lag: measureLag(sources, rows, projectedAt, ctx.clock.now()) };
}
