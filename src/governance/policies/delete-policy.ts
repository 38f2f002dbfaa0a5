import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { changedBy } from "../projections";
import type { DeletedPolicyView, PolicyRef } from "./policies.schemas";
import { showPolicyChange } from "./show-policy-change";

/** Takes a policy away. Tenants that name it stop until they name another. @throws AppError POLICY_NOT_FOUND */
export async function deletePolicy(ctx: Ctx, { name }: z.output<typeof PolicyRef>): Promise<z.input<typeof DeletedPolicyView>> {
  await showPolicyChange(ctx, name, await orgObject(ctx.objects).deletePolicy(name, changedBy(ctx)));
  return { name, status: "deleted" };
}
