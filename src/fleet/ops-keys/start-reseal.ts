import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { columnNames } from "./keys.queries";
import { toResealView, type ResealRunView } from "./keys.schemas";
import { findRunning, insertRun, type ResealRun } from "./keys.store";

/** Begins to seal everything anew under the newest key; while such a walk runs, answers that one. */
export async function startReseal(ctx: OwnerCtx): Promise<z.input<typeof ResealRunView>> {
  const run = await retryLostUpdate(async () => {
    const running = await findRunning(ctx);
    if (running) return running;
    const now = ctx.clock.now();
    const { activeId, keys } = ctx.config.sealKeys;
    const fresh: ResealRun = {
      id: newId("rsl", now),
      keyId: activeId,
      state: "running",
      pass: 1,
      columnName: null,
      afterRowid: 0,
      seen: 0,
      resealed: 0,
      unreadable: 0,
      leftOver: null,
      startedBy: ctx.actor.userId,
      createdAt: now,
      updatedAt: now,
      endedAt: null,
      version: 1,
    };
    try {
      await new Plan(ctx)
        .write(insertRun(ctx, fresh))
        .effect({ type: "job.send", payload: { type: "keys.reseal", payload: fresh.id } })
        .audit({ action: "keys.reseal", tenantId: null, subject: { type: "reseal_run", id: fresh.id }, detail: { before: null, after: { key_id: activeId, ring: [...keys.keys()] } } })
        .commit();
    } catch (error) {
      // Somebody else was faster: theirs is the one.
      if (isUniqueViolation(error, "reseal_runs.state") || isUniqueViolation(error, "reseal_runs_running")) throw new LostUpdateError(error);
      throw error;
    }
    return fresh;
  });
  return toResealView(run, await columnNames(ctx));
}
