import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isDryRun, planRepair, showAgain, toRepairView, type RepairQuery, type RepairView } from "../projections";
import { assessPolicyDrift, listSources } from "./policies-drift";
import { policyProjector, policyRowProjector } from "./project-policy";

/** Shows in D1 what OrgDO says, wherever the two disagree; never deletes. Only looks unless told otherwise. */
export async function repairPolicies(ctx: Ctx, query: z.output<typeof RepairQuery>): Promise<z.input<typeof RepairView>> {
  const sources = await listSources(ctx);
  const steps = planRepair((await assessPolicyDrift(ctx, sources)).mismatches);
  const dryRun = isDryRun(query);
  if (dryRun) return toRepairView("AccessPolicy", steps, dryRun);
  const byName = new Map(sources.map((policy) => [policy.name, policy]));
  const mended = steps.flatMap(({ name, reason }) => {
    const policy = byName.get(name);
    return policy ? [{ policy, reason }] : [];
  });
  for (const [index, { policy, reason }] of mended.entries()) {
    const { name, revision } = policy;
    // A repair that breaks off before the last leaves drift, so it is asked for again and the consequences come then.
    const projector = index === mended.length - 1 ? policyProjector : policyRowProjector;
    // What became newer in between was shown by whoever made it so.
    await showAgain(ctx, { kind: "policy", key: name, revision, snapshot: policy }, projector, { action: "policy.repair", kind: "AccessPolicy", key: name, message: reason });
  }
  return toRepairView("AccessPolicy", steps, dryRun);
}
