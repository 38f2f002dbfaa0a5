import type { z } from "zod";
import { directoryObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { isDryRun, planRepair, showAgain, toRepairView, type RepairQuery, type RepairView } from "../projections";
import { assessTenants } from "./tenant-sources";
import { mendingTenantProjector, TENANT_KIND } from "./tenant-projector";

/** Brings to D1 what the objects say wherever drift finds that it shows something else. Deletes nothing; tells only what it would do unless asked to do it. */
export async function repairTenants(ctx: Ctx, query: z.output<typeof RepairQuery>): Promise<z.input<typeof RepairView>> {
  const dryRun = isDryRun(query);
  const { report, states } = await assessTenants(ctx);
  const steps = planRepair(report.mismatches);
  if (dryRun) return toRepairView("Tenant", steps, true);
  for (const { name, action, reason } of steps) {
    const state = states.get(name);
    if (!state) continue;
    // False when D1 came to show something newer in the meantime: then it is mended too.
    await showAgain(ctx, { kind: TENANT_KIND, key: name, revision: state.revision, snapshot: state }, mendingTenantProjector, { action: "tenant.repair", kind: "Tenant", key: name, tenant: name, message: `${action}: ${reason}` });
    await directoryObject(ctx.objects).settle(name, state.revision, "live");
  }
  return toRepairView("Tenant", steps, false);
}
