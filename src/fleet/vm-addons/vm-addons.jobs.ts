import { HOUR_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { settleAddon } from "./settle-addon";
import { WARN_MS } from "./vm-addons.core";
import { listDueAddons } from "./vm-addons.store";

const SWEEP_LIMIT = 200;
/** A renewal whose news are later than this is asked for. */
const LATE_MS = HOUR_MS;

/** The tick of the sweep: one message for every add-on that is overdue, or whose owner must know that it ends. */
export async function enqueueDueAddons(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const ids = await listDueAddons(ctx, now, now - LATE_MS, now + WARN_MS, SWEEP_LIMIT);
  const hour = Math.floor(now / HOUR_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `vm_addon.settle:${id}:${hour}`, type: "vm_addon.settle", payload: id })));
  if (ids.length > 0) ctx.log.info("due add-ons enqueued", { event: "vm_addons.swept", count: ids.length });
}

/** Job `vm_addon.settle`: an add-on is overdue, or its end is near. */
export async function settleAddonJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not an add-on");
  await settleAddon(ctx, payload);
}
