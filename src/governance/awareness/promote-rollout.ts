import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { changedBy } from "../projections";
import type { PromoteBody, RolloutView } from "./awareness.schemas";
import { showRollout } from "./show-rollout";

/** Promotes the next wave, or all up to the one named. @throws AppError VALIDATION_ERROR for a wave that the rollout lacks */
export async function promoteRollout(ctx: Ctx, body: z.output<typeof PromoteBody> | null): Promise<z.input<typeof RolloutView>> {
  const entry = await orgObject(ctx.objects).promote(body?.wave || null, changedBy(ctx));
  if (!entry) throw invalidField(["body", "wave"], "The rollout has no such wave");
  return showRollout(ctx, entry);
}
