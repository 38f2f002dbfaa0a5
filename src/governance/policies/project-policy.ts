import type { PolicySnapshot } from "../../../durable-objects/org/org.rpc";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { contractsChanged } from "../contracts";
import { tenantsChanged, type Projector } from "../projections";
import { deletePolicyRow, writePolicyRow } from "./policies.store";

function showRow(ctx: Ctx, plan: Plan, { key, snapshot }: { readonly key: string; readonly snapshot: unknown }): void {
  // OrgDO writes the snapshots of this kind.
  const policy = snapshot as PolicySnapshot | null;
  plan.write(policy ? writePolicyRow(ctx, policy) : deletePolicyRow(ctx, key));
}

function addConsequences(plan: Plan): void {
  tenantsChanged(plan, "all");
  contractsChanged(plan, "all");
}

/** Has all tenants looked at again, as every change of a policy does. */
export async function drawConsequences(ctx: Ctx): Promise<void> {
  const plan = new Plan(ctx);
  addConsequences(plan);
  await plan.commit();
}

/** Makes D1 show a policy. Any tenant may be meant by it, so all are looked at again. */
export const policyProjector: Projector = {
  show: (ctx, plan, entry) => {
    showRow(ctx, plan, entry);
    addConsequences(plan);
  },
};

/** {@link policyProjector} for one of several: the last of them has the consequences. */
export const policyRowProjector: Projector = { show: showRow };
