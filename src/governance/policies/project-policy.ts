import type { PolicySnapshot } from "../../../durable-objects/org/org.rpc";
import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { contractsChanged } from "../contracts";
import { tenantsChanged, type Projector } from "../projections";
import { deletePolicyRow, writePolicyRow } from "./policies.store";

function showRow(ctx: Ctx, plan: Plan, { key, snapshot }: { readonly key: string; readonly snapshot: unknown }): void {
  // OrgDO writes the snapshots of this kind.
  const policy = snapshot as PolicySnapshot | null;
  plan.write(policy ? writePolicyRow(ctx, policy) : deletePolicyRow(ctx, key));
}

/** Makes D1 show a policy. Any tenant may be meant by it, so all are looked at again. */
export const policyProjector: Projector = {
  show: (ctx, plan, entry) => {
    showRow(ctx, plan, entry);
    tenantsChanged(plan, "all");
    contractsChanged(plan, "all");
  },
};

/** {@link policyProjector} for one of several: the last of them has the consequences. */
export const policyRowProjector: Projector = { show: showRow };
