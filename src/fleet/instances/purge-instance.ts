import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { InstanceRef } from "../../../durable-objects/instance/instance.rpc";
import type { Ctx } from "../../kernel/context";
import { findInstance } from "./instances.store";

/** Empties a machine's objects. Harmless when repeated. */
export async function purgeObjects(ctx: Ctx, ref: InstanceRef): Promise<void> {
  await instanceObject(ctx.objects, ref).purge(ref);
  await accountFeedObject(ctx.objects, ref.userId).removeMachine(ref.userId, ref.instanceId);
}

/** Effect `instance.purge`. Does nothing when the machine was registered again meanwhile. */
export async function purgeInstance(ctx: Ctx, payload: unknown): Promise<void> {
  const ref = payload as InstanceRef;
  if (!(await findInstance(ctx, ref.userId, ref.instanceId))) await purgeObjects(ctx, ref);
}
