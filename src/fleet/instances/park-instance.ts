import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { chunked } from "../../kernel/db/chunked";
import { isParkedInstance, parkInstanceRows, unparkInstanceRows } from "./instances.store";

/**
 * Adds to a commit that the plan does not carry these machines: they go on beating and stay in lists, marked, but take no commands and no
 * bots. Machines that are parked already stay as they are.
 */
export function addInstanceParking(ctx: Ctx, plan: Plan, tenantId: number, instanceIds: readonly string[], now: number): void {
  for (const ids of chunked(instanceIds)) plan.write(parkInstanceRows(ctx, tenantId, ids, now));
}

/** Adds to a commit that the plan carries these machines again. */
export function addInstanceReturn(ctx: Ctx, plan: Plan, tenantId: number, instanceIds: readonly string[], now: number): void {
  for (const ids of chunked(instanceIds)) plan.write(unparkInstanceRows(ctx, tenantId, ids, now));
}

/** Guards what people have a machine do. An unknown machine passes: its object says so. @throws AppError INSTANCE_DISABLED_BY_PLAN */
export async function requireCarried(ctx: Ctx, tenantId: number, instanceId: string): Promise<void> {
  if (await isParkedInstance(ctx, tenantId, instanceId)) throw disabledByPlan();
}

const disabledByPlan = (): AppError => new AppError("INSTANCE_DISABLED_BY_PLAN", "Your plan does not carry this machine any more.");
