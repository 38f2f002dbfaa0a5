import type { Ctx } from "../../kernel/context";
import { assessPolicyDrift } from "../policies";
import type { DriftReport } from "../projections";
import { assessTenants, type TenantSurvey } from "../tenants";

export interface MeasuredDrift {
  readonly tenants: TenantSurvey;
  readonly accessPolicy: DriftReport;
  readonly total: number;
}

/** Looks at all sources and all copies. */
export async function measureDrift(ctx: Ctx): Promise<MeasuredDrift> {
  const [tenants, accessPolicy] = await Promise.all([assessTenants(ctx), assessPolicyDrift(ctx)]);
  return { tenants, accessPolicy, total: tenants.report.mismatches.length + accessPolicy.mismatches.length };
}

/** Whether so much drift is somebody's business. 0 as threshold is off. */
export const isExceeded = (total: number, threshold: number): boolean => threshold > 0 && total >= threshold;
