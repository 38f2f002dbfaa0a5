import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import type { DismissedUpgradeView, UpgradeRef } from "./upgrades.schemas";
import { findUpgrade, updateUpgrade } from "./upgrades.store";

/** Leaves what is parked parked; a later rise of the plan asks again. May be repeated. @throws AppError NOT_FOUND, REQUEST_RESOLVED */
export function dismissUpgrade(ctx: OwnerCtx, { request_id }: z.output<typeof UpgradeRef>): Promise<z.input<typeof DismissedUpgradeView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const row = await findUpgrade(ctx, ctx.actor.userId, request_id);
    if (!row) throw notFound("Upgrade request");
    if (row.resolution === "resolved") throw new AppError("REQUEST_RESOLVED", "This request is closed already.", { extras: { resolution: row.resolution } });
    if (row.resolvedAt !== null) return { ok: true, request_id, resolution: "dismissed", resolved_at: iso(row.resolvedAt) };
    await new Plan(ctx)
      .guarded(updateUpgrade(ctx, row, { resolvedAt: now, resolution: "dismissed" }, now))
      .audit({ action: "upgrade.dismiss", subject: { type: "upgrade_request", id: row.id } })
      .commit();
    return { ok: true, request_id, resolution: "dismissed", resolved_at: iso(now) };
  });
}
