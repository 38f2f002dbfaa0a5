import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { changedBy } from "../projections";
import type { PolicyRef, UpdatedPolicyView, UpdatePolicyBody } from "./policies.schemas";
import { showPolicyChange } from "./show-policy-change";

/** Changes what a policy says: what is absent stays, null takes away. @throws AppError POLICY_NOT_FOUND, VALIDATION_ERROR for another name */
export async function updatePolicy(ctx: Ctx, { name }: z.output<typeof PolicyRef>, { name: sent, ...change }: z.output<typeof UpdatePolicyBody>): Promise<z.input<typeof UpdatedPolicyView>> {
  if (sent !== undefined && sent !== name) throw invalidField(["body", "name"], "A policy keeps its name");
  await showPolicyChange(ctx, name, await orgObject(ctx.objects).changePolicy(name, change, changedBy(ctx)));
  return { name, status: "updated" };
}
