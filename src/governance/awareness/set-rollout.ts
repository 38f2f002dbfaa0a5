import type { z } from "zod";
import { orgObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { changedBy } from "../projections";
import type { RolloutBody, RolloutView } from "./awareness.schemas";
import { showRollout } from "./show-rollout";

/** Begins a rollout anew: nothing is promoted. */
export async function setRollout(ctx: Ctx, { targetVersion, stableVersion, waves, shadowMode }: z.output<typeof RolloutBody>): Promise<z.input<typeof RolloutView>> {
  const rollout = { targetVersion, stableVersion: stableVersion ?? undefined, waves: waves ?? undefined, shadowMode: shadowMode ?? undefined };
  return showRollout(ctx, await orgObject(ctx.objects).setRollout(rollout, changedBy(ctx)));
}
