import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isDryRun, planRepair, showAgain, toRepairView, type RepairQuery, type RepairView } from "../projections";
import { surveyPolicies } from "./policies-drift";
import { drawConsequences, policyProjector, policyRowProjector } from "./project-policy";

/** Shows in D1 what OrgDO says, wherever the two disagree; never deletes. Only looks unless told otherwise. */
export async function repairPolicies(ctx: Ctx, query: z.output<typeof RepairQuery>): Promise<z.input<typeof RepairView>> {
  const { report, sources } = await surveyPolicies(ctx);
  const steps = planRepair(report.mismatches);
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
    const isShown = await showAgain(ctx, { kind: "policy", key: name, revision, snapshot: policy }, projector, { action: "policy.repair", kind: "AccessPolicy", key: name, message: reason });
    // The last was overtaken, and whoever overtook it may have drawn the consequences before the others were mended.
    if (!isShown && projector === policyProjector) await drawConsequences(ctx);
  }
  return toRepairView("AccessPolicy", steps, dryRun);
}
