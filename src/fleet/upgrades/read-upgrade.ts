import type { Ctx, OwnerCtx } from "../../kernel/context";
import { capsOf, readHoldings, type Caps, type Holding } from "../holdings";
import { getCatalogue, getEntitlements } from "../plans";
import { toActiveUpgrade, type MaybeActiveUpgradeView } from "./upgrades.schemas";
import type { z } from "zod";
import { findOpenUpgrade } from "./upgrades.store";

/** What may come back, and how much: what comes obeys the same caps as what is new. */
export async function readRoom(ctx: Ctx, tenantId: number): Promise<{ readonly holdings: readonly Holding[]; readonly caps: Caps }> {
  const [entitlements, holdings] = await Promise.all([getEntitlements(ctx, tenantId, { fresh: true }), readHoldings(ctx, tenantId)]);
  return { holdings, caps: capsOf(entitlements.creation) };
}

/** The caller's open request; null when there is none. */
export async function getActiveUpgrade(ctx: OwnerCtx): Promise<z.input<typeof MaybeActiveUpgradeView>> {
  const { userId } = ctx.actor;
  const row = await findOpenUpgrade(ctx, userId);
  if (!row) return null;
  const [{ plans }, { holdings, caps }] = await Promise.all([getCatalogue(ctx), readRoom(ctx, userId)]);
  return toActiveUpgrade(row, plans, holdings, caps);
}
