import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { changedBy } from "../projections";
import type { CreatedPolicyView, CreatePolicyBody } from "./policies.schemas";
import { showPolicyChange } from "./show-policy-change";

/** Lays a policy down. @throws AppError CONFLICT when the name is taken or there are too many, VALIDATION_ERROR when its domains contradict themselves */
export async function createPolicy(ctx: Ctx, { name, ...rules }: z.output<typeof CreatePolicyBody>): Promise<z.input<typeof CreatedPolicyView>> {
  await showPolicyChange(ctx, name, await orgObject(ctx.objects).createPolicy(name, rules, changedBy(ctx)));
  return { name, status: "created" };
}
