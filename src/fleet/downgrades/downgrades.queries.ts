import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { shownUsername } from "../accounts";
import { getCatalogue } from "../plans";
import { toActiveDowngrade, toDowngradeRecord, toOverCapacityItem, type DowngradeListView, type ListDowngradesQuery, type MaybeActiveDowngradeView, type OverCapacityQuery, type OverCapacityView } from "./downgrades.schemas";
import { listDowngrades } from "./downgrades.store";
import { listOverCapacity } from "./over-capacity.store";
import { readSituation } from "./read-situation";

/** The caller's open request; null when there is none. */
export const getActiveDowngrade = (ctx: OwnerCtx): Promise<z.input<typeof MaybeActiveDowngradeView>> => getActiveDowngradeOf(ctx, ctx.actor.userId);

/** Somebody's open request as they see it. @throws AppError NOT_FOUND */
export async function getActiveDowngradeOf(ctx: Ctx, tenantId: number): Promise<z.input<typeof MaybeActiveDowngradeView>> {
  const { account, plans, holdings, capsOfPlan } = await readSituation(ctx, tenantId);
  const row = account.downgrade;
  return row && toActiveDowngrade(row, plans, holdings, capsOfPlan(row.toPlanId));
}

/** Requests of everybody, newest first. */
export async function listDowngradeRequests(ctx: OwnerCtx, { status, reason, page, limit }: z.output<typeof ListDowngradesQuery>): Promise<z.input<typeof DowngradeListView>> {
  const [{ plans }, { rows, total }] = await Promise.all([getCatalogue(ctx), listDowngrades(ctx, { status, reason: reason ?? null }, { limit, offset: (page - 1) * limit })]);
  return { items: rows.map(({ request, email, username }) => toDowngradeRecord(request, { email, username: shownUsername({ username }) }, plans)), total, page, limit };
}

/** Who has more than their plan carries, a page at a time. */
export async function reportOverCapacity(ctx: OwnerCtx, { limit, after }: z.output<typeof OverCapacityQuery>): Promise<z.input<typeof OverCapacityView>> {
  const [userId, feature = ""] = after?.split(":") ?? [];
  const rows = await listOverCapacity(ctx, { after: userId === undefined ? null : { userId: Number(userId), feature }, limit, unflagged: false });
  const last = rows.at(-1);
  return { items: rows.map(toOverCapacityItem), next: rows.length === limit && last ? `${last.user_id}:${last.feature}` : null };
}
