import type { z } from "zod";
import type { OutboxEntry } from "../../../durable-objects/shared/object-outbox.rpc";
import type { RolloutSnapshot } from "../../../durable-objects/org/org.rpc";
import type { Ctx } from "../../kernel/context";
import { project } from "../projections";
import { rolloutProjector } from "./awareness.projectors";
import { toRolloutView, type RolloutView } from "./awareness.schemas";

/** Makes D1 show what OrgDO made of the rollout, and answers it. */
export async function showRollout(ctx: Ctx, entry: OutboxEntry): Promise<z.input<typeof RolloutView>> {
  await project(ctx, { object: "org", name: "org" }, entry, rolloutProjector);
  // OrgDO writes the snapshots of this kind.
  return toRolloutView(entry.snapshot as RolloutSnapshot);
}
