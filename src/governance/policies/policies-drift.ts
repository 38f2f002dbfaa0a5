import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { assessDrift, type Compared, type DriftReport } from "../projections";
import { ALSO_COMPARED, COMPARED_FIELDS, type Policy } from "./policies.core";
import { listPolicyRows } from "./policies.store";

const PAGE = 100;

/** Every policy at its source, by name. */
async function listSources(ctx: Ctx): Promise<readonly Policy[]> {
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

/** What OrgDO and D1 disagree about, and every policy at its source. */
export interface PolicySurvey {
  readonly report: DriftReport;
  readonly sources: readonly Policy[];
}

/** Compares all policies with their copies; where any disagree, once more: one that was changed between the two reads, or whose projection was on its way, has not drifted. */
export async function surveyPolicies(ctx: Ctx): Promise<PolicySurvey> {
  const first = await look(ctx);
  return first.report.mismatches.length === 0 ? first : look(ctx);
}

async function look(ctx: Ctx): Promise<PolicySurvey> {
  const rows = await listPolicyRows(ctx);
  const sources = await listSources(ctx);
  return { report: await assessDrift(ctx, "policy", [...COMPARED_FIELDS, ...ALSO_COMPARED], sources.map(compared), rows.map(compared)), sources };
}

/** What OrgDO and D1 disagree about. */
export const assessPolicyDrift = async (ctx: Ctx): Promise<DriftReport> => (await surveyPolicies(ctx)).report;
