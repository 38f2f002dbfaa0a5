import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { assessDrift, type Compared, type DriftReport } from "../projections";
import { ALSO_COMPARED, COMPARED_FIELDS, type Policy } from "./policies.core";
import { listPolicyRows } from "./policies.store";

const PAGE = 100;

/** Every policy at its source, by name. */
export async function listSources(ctx: Ctx): Promise<readonly Policy[]> {
  const found: Policy[] = [];
  for (let after = ""; ; ) {
    const page = await orgObject(ctx.objects).listPolicies(after, PAGE);
    found.push(...page);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found;
    after = last.name;
  }
}

const compared = ({ name, revision, updatedAt, ...fields }: Policy): Compared => ({ name, revision, updatedAt, fields });

/** What OrgDO and D1 disagree about. @param sources every policy at its source, where they are known already */
export async function assessPolicyDrift(ctx: Ctx, sources?: readonly Policy[]): Promise<DriftReport> {
  // D1 first: what is made in between is missing there, which the next look finds gone, and never an orphan.
  const rows = await listPolicyRows(ctx);
  return assessDrift(ctx, "policy", [...COMPARED_FIELDS, ...ALSO_COMPARED], (sources ?? (await listSources(ctx))).map(compared), rows.map(compared));
}
