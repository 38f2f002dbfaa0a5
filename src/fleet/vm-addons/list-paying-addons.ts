import type { Ctx } from "../../kernel/context";
import { afterTime } from "./vm-addons.core";
import { listAddonRows, type Addon } from "./vm-addons.store";

const ADDONS_MAX = 500;

/** Somebody's add-ons that may pay for a new machine: active or in grace, oldest first. One that was cancelled pays for what it has only. */
export async function listPayingAddons(ctx: Ctx, tenantId: number): Promise<Addon[]> {
  const now = ctx.clock.now();
  const rows = await listAddonRows(ctx, tenantId, ADDONS_MAX);
  const known = new Map(rows.map(({ addon }) => [addon.id, afterTime(addon, now)]));
  return [...known.values()].filter(({ status }) => status === "active" || status === "grace");
}
