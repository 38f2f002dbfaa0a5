import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import { toDriftView } from "../projections";
import { tenantNotFound } from "./change-tenant";
import { ALSO_COMPARED, assessTenants, COMPARED_FIELDS } from "./tenant-sources";
import { toTenantView, type DatasetsView, type TenantDriftView, type TenantListView, type TenantRef, type TenantView } from "./tenants.schemas";
import { findTenant, listTenants as listRows, type PlacedTenant } from "./tenants.store";

const view = (ctx: Ctx, { tenant, baseDomain }: PlacedTenant): z.input<typeof TenantView> => toTenantView(tenant, baseDomain ?? governanceConfig(ctx).tenants.baseDomain);

/** All tenants, newest first. */
export async function listTenants(ctx: Ctx): Promise<z.input<typeof TenantListView>> {
  return (await listRows(ctx)).map((placed) => view(ctx, placed));
}

/** @throws TENANT_NOT_FOUND */
export async function getTenant(ctx: Ctx, { name }: z.output<typeof TenantRef>): Promise<z.input<typeof TenantView>> {
  const placed = await findTenant(ctx, name);
  if (!placed) throw tenantNotFound(name);
  return view(ctx, placed);
}

/** @throws TENANT_NOT_FOUND */
export async function getDatasets(ctx: Ctx, { name }: z.output<typeof TenantRef>): Promise<z.input<typeof DatasetsView>> {
  const placed = await findTenant(ctx, name);
  if (!placed) throw tenantNotFound(name);
  const { org, team, project, personal } = placed.tenant.datasets;
  return { org: [...org], team: [...team], project: [...project], personal: [...personal] };
}

/** Where D1 does not show what the tenants' objects say. */
export async function getTenantDrift(ctx: Ctx): Promise<z.input<typeof TenantDriftView>> {
  const { report } = await assessTenants(ctx);
  return { ...toDriftView("Tenant", { ...report, comparedFields: COMPARED_FIELDS }), alsoCompared: [...ALSO_COMPARED] };
}
