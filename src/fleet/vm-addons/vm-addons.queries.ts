import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { afterTime } from "./vm-addons.core";
import { toAddonView, type AddonListView } from "./vm-addons.schemas";
import { listAddonRows } from "./vm-addons.store";

const LIST_LIMIT = 500;

/** The caller's add-ons that have not ended, oldest first. */
export async function listAddons(ctx: OwnerCtx): Promise<z.input<typeof AddonListView>> {
  const now = ctx.clock.now();
  const rows = (await listAddonRows(ctx, ctx.actor.userId, LIST_LIMIT)).filter(({ addon }) => afterTime(addon, now).status !== "expired");
  return { addons: rows.map(({ addon, instanceId }) => toAddonView(addon, instanceId)) };
}
