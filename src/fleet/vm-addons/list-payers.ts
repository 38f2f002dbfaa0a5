import type { Ctx } from "../../kernel/context";
import { settleAddon } from "./settle-addon";
import { afterTime, endOf } from "./vm-addons.core";
import { listAddonsInForceOrNamed, type Addon } from "./vm-addons.store";

/** What an add-on does for a machine that is there; see `vm-reconcile`. Times are ms. */
export interface AddonPayer {
  readonly id: string;
  /** It pays now: active, in grace, or cancelled and not over. */
  readonly isUsable: boolean;
  readonly endsAt: number | null;
  readonly warnedAt: number | null;
  readonly createdAt: number;
}

/**
 * Somebody's add-ons that have not ended, and those among `named`, over or not. Before the clock ends one its provider is asked: somebody
 * may have paid.
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY: nobody knows, so nothing may be concluded
 */
export async function listPayers(ctx: Ctx, tenantId: number, named: readonly string[]): Promise<AddonPayer[]> {
  const overdue = (await listAddonsInForceOrNamed(ctx, tenantId, [])).filter((row) => isOver(row, ctx.clock.now()));
  for (const row of overdue) await settleAddon(ctx, row.id);
  const now = ctx.clock.now();
  const rows = await listAddonsInForceOrNamed(ctx, tenantId, named);
  return rows.map((row) => ({ id: row.id, isUsable: !isOver(row, now), endsAt: endOf(row), warnedAt: row.warnedAt, createdAt: row.createdAt }));
}

const isOver = (row: Addon, now: number): boolean => afterTime(row, now).status === "expired";
