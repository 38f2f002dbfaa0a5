import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { updateProjection } from "./instances.store";

/** Job `instance.project`: D1's online flag follows the object's, newest transition wins whatever the order of delivery. */
export async function recordInstanceProjection(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId, instanceId, online, at } = (payload ?? {}) as Record<string, unknown>;
  if (typeof userId !== "number" || typeof instanceId !== "string" || typeof online !== "boolean" || typeof at !== "number") throw new AppError("MALFORMED_REQUEST", "not a projection");
  await updateProjection(ctx, userId, instanceId, online, at);
}
