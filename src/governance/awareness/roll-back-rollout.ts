import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { changedBy } from "../projections";
import type { RolloutView } from "./awareness.schemas";
import { showRollout } from "./show-rollout";

/** Takes every promotion back; the versions stay. */
export async function rollBackRollout(ctx: Ctx): Promise<z.input<typeof RolloutView>> {
  return showRollout(ctx, await orgObject(ctx.objects).rollBack(changedBy(ctx)));
}
