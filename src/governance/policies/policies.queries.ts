import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { toDriftView } from "../projections";
import { assessPolicyDrift } from "./policies-drift";
import { ALSO_COMPARED, COMPARED_FIELDS, type Policy } from "./policies.core";
import { toPolicyView, type PolicyDriftView, type PolicyListView, type PolicyRef, type PolicyView } from "./policies.schemas";
import { findPolicyRow, listPolicyRows } from "./policies.store";
import { policyNotFound } from "./show-policy-change";

/** All policies, newest first. */
export async function listPolicies(ctx: Ctx): Promise<z.input<typeof PolicyListView>> {
  return (await listPolicyRows(ctx)).map(toPolicyView);
}

/** One policy. @throws AppError POLICY_NOT_FOUND */
export async function getPolicy(ctx: Ctx, { name }: z.output<typeof PolicyRef>): Promise<z.input<typeof PolicyView>> {
  const policy = await findPolicyRow(ctx, name);
  if (!policy) throw policyNotFound(name);
  return toPolicyView(policy);
}

/** Where policies and their copies disagree; mends nothing. */
export async function reportPolicyDrift(ctx: Ctx): Promise<z.input<typeof PolicyDriftView>> {
  return { ...toDriftView("AccessPolicy", { ...(await assessPolicyDrift(ctx)), comparedFields: COMPARED_FIELDS }), alsoCompared: [...ALSO_COMPARED] };
}

/** Every policy as D1 shows it, for {@link resolvePolicy}. */
export const readPolicies = (ctx: Ctx): Promise<readonly Policy[]> => listPolicyRows(ctx);
