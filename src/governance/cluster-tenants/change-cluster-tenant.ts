import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { governanceConfig } from "../config";
import { refusal } from "../errors";
import { toClusterTenantView, type ClusterTenantView, type CreateClusterTenantBody, type DeletedView, type UpdateClusterTenantBody } from "./cluster-tenants.schemas";
import { deleteClusterTenantRow, findClusterTenant, insertClusterTenant, isUnused, updateClusterTenant, type ClusterTenantRow } from "./cluster-tenants.store";
import { wished } from "./placement.core";

const KIND = "ClusterTenant";

/** @throws AppError TIER_UNAVAILABLE (nobody here makes such places), CONFLICT (the name is taken) */
export async function createClusterTenant(ctx: Ctx, body: z.output<typeof CreateClusterTenantBody>): Promise<z.input<typeof ClusterTenantView>> {
  requireTier(ctx, body.isolationTier);
  const now = ctx.clock.now();
  const { name, displayName, isolationTier, compute, resources } = body;
  const row: ClusterTenantRow = { name, displayName, baseDomain: body.baseDomain ?? null, isolationTier, compute, quota: resources.quota, ...wished(now), createdAt: now, updatedAt: now, version: 1 };
  try {
    await new Plan(ctx)
      .write(insertClusterTenant(ctx, row))
      .audit(governed({ action: "cluster_tenant.create", kind: KIND, key: name, after: factsOf(row) }))
      .effect({ type: "cluster_tenant.place", payload: { name } })
      .commit();
  } catch (error) {
    if (isUniqueViolation(error, "governance_cluster_tenants.name")) throw new AppError("CONFLICT", `A cluster tenant ${name} exists already.`);
    throw error;
  }
  return toClusterTenantView(row);
}

/** Changes what is given; what a place is made of makes it anew. @throws AppError CLUSTER_TENANT_NOT_FOUND, TIER_UNAVAILABLE */
export function updateClusterTenantOf(ctx: Ctx, name: string, body: z.output<typeof UpdateClusterTenantBody>): Promise<z.input<typeof ClusterTenantView>> {
  return retryLostUpdate(async () => {
    const before = await getRow(ctx, name);
    if (body.isolationTier !== undefined) requireTier(ctx, body.isolationTier);
    const now = ctx.clock.now();
    const wish = {
      displayName: body.displayName ?? before.displayName,
      baseDomain: body.baseDomain === undefined ? before.baseDomain : body.baseDomain,
      isolationTier: body.isolationTier ?? before.isolationTier,
      compute: body.compute ?? before.compute,
      quota: body.resources?.quota ?? before.quota,
    };
    const row: ClusterTenantRow = { ...before, ...wish, ...wished(now), updatedAt: now, version: before.version + 1 };
    const plan = new Plan(ctx).guarded(updateClusterTenant(ctx, before, row)).audit(governed({ action: "cluster_tenant.update", kind: KIND, key: name, before: factsOf(before), after: factsOf(row) }));
    // Tenants placed there have host names below its domain.
    if (row.baseDomain !== before.baseDomain) plan.effect({ type: "tenants.reconcile", payload: { tenants: "all" } });
    // A shared place is nobody's own: what the provisioner made is given back.
    if (row.isolationTier === "shared" && before.isolationTier !== "shared") plan.effect({ type: "cluster_tenant.release", payload: { name } });
    await plan.effect({ type: "cluster_tenant.place", payload: { name } }).commit();
    return toClusterTenantView(row);
  });
}

/** @throws AppError CLUSTER_TENANT_NOT_FOUND, CONFLICT (tenants are placed there) */
export async function deleteClusterTenant(ctx: Ctx, name: string): Promise<z.input<typeof DeletedView>> {
  const row = await getRow(ctx, name);
  try {
    const plan = new Plan(ctx)
      .require(isUnused(name))
      .guarded(deleteClusterTenantRow(ctx, row))
      .audit(governed({ action: "cluster_tenant.delete", kind: KIND, key: name, before: factsOf(row) }));
    if (row.isolationTier !== "shared") plan.effect({ type: "cluster_tenant.release", payload: { name } });
    await plan.commit();
  } catch (error) {
    if (error instanceof LostUpdateError) throw new AppError("CONFLICT", `Tenants are placed at ${name}, or somebody changes it right now; move them first.`, { cause: error });
    throw error;
  }
  return { name, status: "deleted" };
}

const factsOf = ({ displayName, baseDomain, isolationTier, compute, quota }: ClusterTenantRow) => ({ displayName, baseDomain, isolationTier, compute, quota });

/** @throws AppError CLUSTER_TENANT_NOT_FOUND */
export async function getRow(ctx: Ctx, name: string): Promise<ClusterTenantRow> {
  const row = await findClusterTenant(ctx, name);
  if (!row) throw refusal("CLUSTER_TENANT_NOT_FOUND", `There is no cluster tenant ${name}.`);
  return row;
}

function requireTier(ctx: Ctx, tier: ClusterTenantRow["isolationTier"]): void {
  if (tier === "shared" || governanceConfig(ctx).clusterProvisioner?.tiers.includes(tier)) return;
  throw refusal("TIER_UNAVAILABLE", `Nobody here provisions the tier ${tier}.`, { detail: "body.isolationTier: shared is available; others need CLUSTER_PROVISIONER_URL and CLUSTER_PROVISIONER_TOKEN" });
}
