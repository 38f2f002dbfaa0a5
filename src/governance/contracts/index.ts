import type { Plan } from "../../kernel/db/client";

/** Whose contracts may have changed. */
export type ContractScope = "all" | readonly string[];

/** Adds to `plan` that the contracts of these tenants are compiled anew and brought to their machines. */
export function contractsChanged(plan: Plan, tenants: ContractScope): void {
  plan.effect({ type: "contracts.refresh", payload: { tenants } });
}
