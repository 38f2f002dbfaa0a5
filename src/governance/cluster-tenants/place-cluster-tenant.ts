import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { PermanentEffectError } from "../../kernel/outbox/effects";
import { AppError } from "../../kernel/errors/app-error";
import { governanceServices } from "../services";
import { findClusterTenant, selectDueNames, updateClusterTenant, type ClusterTenantRow } from "./cluster-tenants.store";
import { placed, sharedPlace, unplaced, type Placement } from "./placement.core";

const SWEEP_LIMIT = 50;

/** Effect `cluster_tenant.place` and job of the same name: takes a placement one step further. Overtaken steps are dropped: the newer wish has its own. */
export async function placeClusterTenant(ctx: Ctx, payload: unknown): Promise<void> {
  const name = nameIn(payload);
  const row = await findClusterTenant(ctx, name);
  if (!row || row.checkAt === null) return;
  const placement = await askForPlace(ctx, row);
  try {
    await new Plan(ctx).guarded(updateClusterTenant(ctx, row, { ...placement, updatedAt: ctx.clock.now() })).commit();
  } catch (error) {
    if (!(error instanceof LostUpdateError)) throw error;
  }
}

/** Effect `cluster_tenant.release`: gives a place back; tried again until the provisioner takes it. */
export async function releasePlace(ctx: Ctx, payload: unknown): Promise<void> {
  const name = nameIn(payload);
  // Wished for anew under the same name meanwhile: the place is its own now.
  const row = await findClusterTenant(ctx, name);
  if (row && row.isolationTier !== "shared") return;
  const { clusterProvisioner } = governanceServices(ctx);
  if (!clusterProvisioner) throw new Error("no cluster provisioner is configured");
  await clusterProvisioner.release(name);
}

/** Puts placements under way on the queue, each once a minute. */
export async function enqueuePlacements(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const names = await selectDueNames(ctx, now, SWEEP_LIMIT);
  await Promise.all(names.map((name) => ctx.services.jobs.send({ v: 1, id: `cluster_tenant.place:${name}:${Math.floor(now / MINUTE_MS)}`, type: "cluster_tenant.place", payload: { name } })));
}

async function askForPlace(ctx: Ctx, row: ClusterTenantRow): Promise<Placement> {
  if (row.isolationTier === "shared") return sharedPlace(row.name);
  const { clusterProvisioner } = governanceServices(ctx);
  if (!clusterProvisioner) return unplaced("No cluster provisioner is configured.", row.deadlineAt, ctx.clock.now());
  const { name, displayName, baseDomain, isolationTier, compute, quota, version } = row;
  try {
    return placed(await clusterProvisioner.place({ name, displayName, baseDomain, isolationTier, compute, quota, version }), row.deadlineAt, ctx.clock.now());
  } catch (error) {
    if (error instanceof AppError) return unplaced(error.message, row.deadlineAt, ctx.clock.now());
    throw error;
  }
}

function nameIn(payload: unknown): string {
  const { name } = (payload ?? {}) as { readonly name?: unknown };
  if (typeof name !== "string") throw new PermanentEffectError("names no cluster tenant");
  return name;
}
