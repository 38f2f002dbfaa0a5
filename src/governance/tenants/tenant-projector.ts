import { directoryObject } from "../../../durable-objects/stubs";
import { contractsChanged } from "../contracts";
import { forgetPrincipal } from "../grants";
import { tenantsChanged, type Projector } from "../projections";
import type { TenantState } from "./tenants.core";
import { deleteParticipationRow, deleteTenantRow, isAnotherLife, upsertTenantRow } from "./tenants.store";

/** Kind of a tenant's entries. */
export const TENANT_KIND = "tenant";

/** The objects of this kind write this snapshot. */
const stateOf = (snapshot: unknown): TenantState | null => snapshot as TenantState | null;

/** What makes D1 and the directory show a tenant. */
export const tenantProjector: Projector = {
  show(ctx, plan, { key, snapshot, audit }) {
    const state = stateOf(snapshot);
    // A deletion that was overtaken by the next life of the name shows nothing of its own.
    forgetPrincipal(ctx, plan, key, state ? isAnotherLife(ctx, state) : undefined);
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

/**
 * {@link tenantProjector} for a repair: it may have overtaken the projection that the tenant's policy would have been looked for after, and that one shows
 * nothing any more.
 */
export const mendingTenantProjector: Projector = {
  ...tenantProjector,
  show(ctx, plan, entry) {
    tenantProjector.show(ctx, plan, entry);
    tenantsChanged(plan, [entry.key]);
  },
};
