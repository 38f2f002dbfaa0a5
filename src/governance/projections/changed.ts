import type { Plan } from "../../kernel/db/client";

/** Whose policy must be looked for again. */
export type TenantScope = "all" | readonly string[];

/** Adds to `plan` that the policies of these tenants are looked for again, since a policy or a tenant changed. */
export function tenantsChanged(plan: Plan, tenants: TenantScope): void {
  plan.effect({ type: "tenants.reconcile", payload: { tenants } });
}
