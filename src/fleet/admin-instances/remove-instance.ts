import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { requireUserToChange } from "../admin-users";
import { closePairingsOfInstance, listBotRows, projectEffect, settleBot, unpairBotsOf } from "../bots";
import { purgeInstance } from "../instances";
import type { AdminInstanceRef } from "./admin-instances.schemas";
import { countHistory, deleteInstanceOfAnybody, forgetCollision, forgetHistory, readInstanceOfAnybody } from "./admin-instances.store";

/**
 * Removes anybody's machine and its pairings, and forgets whose its fingerprint ever was, so that the hardware can be registered anew by
 * whomever. Its bots stay, on no machine. Its objects are emptied at once and, should that fail, from the outbox until it worked.
 * @throws AppError NOT_FOUND, FORBIDDEN (an administrator's), INSTANCE_IS_CLOUD
 */
export async function removeInstance(ctx: OwnerCtx, { instance_id: instanceId }: z.output<typeof AdminInstanceRef>): Promise<void> {
  const { userId, orphaned } = await retryLostUpdate(async () => {
    const row = await readInstanceOfAnybody(ctx, instanceId);
    if (!row) throw notFound("Machine");
    if (row.cloudVmId !== null) throw new AppError("INSTANCE_IS_CLOUD", "A cloud machine is removed by destroying it, so that its bill ends too.");
    await requireUserToChange(ctx, row.tenantId, { orOneself: true });
    const { tenantId, machineFingerprint: fingerprint } = row;
    const [bots, history] = await Promise.all([listBotRows(ctx, tenantId, instanceId), fingerprint === null ? 0 : countHistory(ctx, fingerprint)]);
    const plan = new Plan(ctx).guarded(deleteInstanceOfAnybody(ctx, row)).write(unpairBotsOf(ctx, tenantId, instanceId)).write(closePairingsOfInstance(ctx, tenantId, instanceId));
    if (fingerprint !== null) plan.write(forgetCollision(ctx, fingerprint)).write(forgetHistory(ctx, fingerprint));
    await plan
      .audit({
        action: "instance.remove",
        tenantId,
        subject: { type: "instance", id: instanceId },
        detail: { before: { label: row.label, version: row.registeredVersion, machine_fingerprint: fingerprint, fingerprint_sightings: history, bots: bots.map((bot) => bot.id) }, after: null },
      })
      .effect({ type: "instance.purge", payload: { userId: tenantId, instanceId } })
      .effect(projectEffect(tenantId, []))
      .commit();
    return { userId: tenantId, orphaned: bots };
  });
  // The tokens that the machine still has die now, or with the reconciler's next tick.
  ctx.defer(Promise.all(orphaned.map((bot) => settleBot(ctx, bot.id))));
  await purgeInstance(ctx, { userId, instanceId }).catch(() => ctx.log.warn("purge left to the outbox", { event: "instance.purge.deferred" }));
}
