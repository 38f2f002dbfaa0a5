import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { closePairingsOfInstance, listBotRows, projectEffect, settleBot, unpairBotsOf } from "../bots";
import { purgeObjects } from "./purge-instance";
import { deleteInstanceRow, findInstance } from "./instances.store";

/**
 * Deletes one of the caller's machines: the row now, its objects at once and, should that fail, from the outbox until it worked.
 * Its bots are on no machine then. Fingerprint history stays. @throws AppError NOT_FOUND, INSTANCE_IS_CLOUD
 */
export async function deleteInstance(ctx: OwnerCtx, instanceId: string): Promise<void> {
  const { userId } = ctx.actor;
  const orphaned = await retryLostUpdate(async () => {
    const [row, bots] = await Promise.all([findInstance(ctx, userId, instanceId), listBotRows(ctx, userId, instanceId)]);
    if (!row) throw notFound("Machine");
    if (row.cloudVmId !== null) throw new AppError("INSTANCE_IS_CLOUD", "A cloud machine is removed by destroying it, so that its bill ends too.");
    await new Plan(ctx)
      .guarded(deleteInstanceRow(ctx, row))
      .write(unpairBotsOf(ctx, userId, instanceId))
      .write(closePairingsOfInstance(ctx, userId, instanceId))
      .audit({ action: "instance.delete", subject: { type: "instance", id: instanceId }, detail: { label: row.label } })
      .effect({ type: "instance.purge", payload: { userId, instanceId } })
      .effect(projectEffect(userId, []))
      .commit();
    return bots;
  });
  // The tokens that the machine still has die now, or with the reconciler's next tick.
  ctx.defer(Promise.all(orphaned.map((bot) => settleBot(ctx, bot.id))));
  await purgeObjects(ctx, { userId, instanceId }).catch(() => ctx.log.warn("purge left to the outbox", { event: "instance.purge.deferred" }));
}
