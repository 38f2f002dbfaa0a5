import { directoryObject } from "../../../durable-objects/stubs";
import { contractsChanged } from "../contracts";
import { tenantsChanged, type Projector } from "../projections";
import type { TenantState } from "./tenants.core";
import { deleteParticipationRow, deleteTenantRow, upsertTenantRow } from "./tenants.store";

/** Kind of a tenant's entries. */
export const TENANT_KIND = "tenant";

/** The objects of this kind write this snapshot. */
const stateOf = (snapshot: unknown): TenantState | null => snapshot as TenantState | null;

/** What makes D1 and the directory show a tenant. */
export const tenantProjector: Projector = {
  show(ctx, plan, { key, snapshot, audit }) {
    const state = stateOf(snapshot);
    if (state) plan.write(upsertTenantRow(ctx, state));
    else plan.write(deleteTenantRow(ctx, key)).write(deleteParticipationRow(ctx, key));
    // What nobody asked for is itself what a look at the policies found.
    if (state && audit) tenantsChanged(plan, [key]);
    contractsChanged(plan, [key]);
  },
  async follow(ctx, { key, revision, snapshot }) {
    const state = stateOf(snapshot);
    if (state === null || state.resolution === null) await directoryObject(ctx.objects).settle(key, revision, state ? "live" : "gone");
  },
};
