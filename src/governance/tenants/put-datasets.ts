import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { governanceServices } from "../services";
import { changeTenant, tenantNotFound } from "./change-tenant";
import { normaliseDatasets } from "./tenants.core";
import type { DatasetsBody, DatasetsView, TenantRef } from "./tenants.schemas";
import { findTenant } from "./tenants.store";

/**
 * Replaces what the tenant's agents may know. The retrieval service hears of it first, where there is one: what it does not take is not
 * stored, and a store that breaks off afterwards is put right by the same call again.
 * @throws TENANT_NOT_FOUND, UPSTREAM_ERROR
 */
export async function putDatasets(ctx: Ctx, { name }: z.output<typeof TenantRef>, body: z.output<typeof DatasetsBody>): Promise<z.input<typeof DatasetsView>> {
  const datasets = normaliseDatasets(body);
  const { retrieval } = governanceServices(ctx);
  if (retrieval) {
    if (!(await findTenant(ctx, name))) throw tenantNotFound(name);
    await retrieval.putDatasets(name, datasets);
  }
  await changeTenant(ctx, name, { type: "datasets", datasets });
  return { org: [...datasets.org], team: [...datasets.team], project: [...datasets.project], personal: [...datasets.personal] };
}
