import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import type { DispatchedRunView, DispatchRunBody } from "./compat-runs.schemas";

/**
 * Starts the workflow that tries a release; its report comes back by itself. The audit row follows the start: a start that failed
 * leaves none.
 * @throws AppError DEPENDENCY_UNAVAILABLE (not configured, or down), BAD_GATEWAY, VALIDATION_ERROR (what the workflow does not take)
 */
export async function dispatchRun(ctx: OwnerCtx, input: z.output<typeof DispatchRunBody>): Promise<z.input<typeof DispatchedRunView>> {
  const { ci } = ctx.services;
  if (!ci) throw new AppError("DEPENDENCY_UNAVAILABLE", "Compatibility runs cannot be started: GITHUB_DISPATCH_TOKEN and GITHUB_DISPATCH_REPO are needed.");
  const inputs = Object.fromEntries(Object.entries(input).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  const answer = await ci.dispatch(inputs);
  if (answer.kind === "refused") throw invalidField(["body"], `The workflow refuses this: ${answer.reason}`);
  await new Plan(ctx).audit({ action: "compat_run.dispatch", tenantId: null, subject: { type: "openclaw_version", id: input.openclaw_version }, detail: { before: null, after: { ...ci.target, inputs } } }).commit();
  return { ok: true, dispatched: true, ...ci.target, inputs };
}
