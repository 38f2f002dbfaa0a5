import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import type { CreateTenantBody, UpdateTenantBody } from "./tenants.schemas";
import type { TenantPatch, TenantSpec } from "./tenants.core";
import { isClusterTenant } from "./tenants.store";

const orNull = (text: string | null | undefined): string | null => text || null;

/** The spec that a creation asks for. */
export const toSpec = (body: z.output<typeof CreateTenantBody>): TenantSpec => ({
  displayName: body.displayName,
  email: body.email,
  team: orNull(body.team),
  monthlyBudgetUsd: body.monthlyBudgetUsd ?? null,
  resources: body.resources ?? null,
  skillAllowlist: body.skillAllowlist ?? null,
  policyRef: orNull(body.policyRef),
  clusterTenantRef: orNull(body.clusterTenantRef),
  labels: body.labels ?? {},
  wave: orNull(body.wave),
  suspended: false,
});

/** What a change asks for: absent fields and empty strings stay as they are, null clears. */
export function toPatch(body: z.output<typeof UpdateTenantBody>): TenantPatch {
  const { labels, ...rest } = body;
  const said = Object.entries(rest).filter(([, value]) => value !== undefined && value !== "");
  return { ...(Object.fromEntries(said) as TenantPatch), ...(labels === undefined ? {} : { labels: labels ?? {} }) };
}

/** @throws VALIDATION_ERROR when `ref` names no cluster tenant */
export async function requireClusterTenant(ctx: Ctx, ref: string | null | undefined): Promise<void> {
  if (ref && !(await isClusterTenant(ctx, ref))) throw invalidField(["body", "clusterTenantRef"], "There is no such cluster tenant");
}
