import type { z } from "zod";
import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { toFeedView, toInstanceView, type FeedInspectionView, type InspectAccountRef, type InspectInstanceRef, type InstanceInspectionView } from "./objects.schemas";
import { findInspected, isAccount } from "./objects.store";

/**
 * What D1 and its object know of a machine of anybody, side by side. Found through D1, so that no object is made by asking for it.
 * @throws AppError NOT_FOUND
 */
export async function inspectInstance(ctx: OwnerCtx, ref: z.output<typeof InspectInstanceRef>): Promise<z.input<typeof InstanceInspectionView>> {
  const row = await findInspected(ctx, ref.user_id, ref.instance_id);
  if (!row) throw notFound("Machine");
  const at = { userId: row.tenantId, instanceId: row.instanceId };
  return toInstanceView(row, await instanceObject(ctx.objects, at).inspect(at));
}

/** What the feed of an account holds. @throws AppError NOT_FOUND */
export async function inspectFeed(ctx: OwnerCtx, ref: z.output<typeof InspectAccountRef>): Promise<z.input<typeof FeedInspectionView>> {
  if (!(await isAccount(ctx, ref.user_id))) throw notFound("User");
  return toFeedView(ref.user_id, await accountFeedObject(ctx.objects, ref.user_id).inspect(ref.user_id));
}
