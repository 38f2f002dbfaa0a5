import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { pageOf, readCursor } from "../../kernel/db/cursor";
import { notFound } from "../../kernel/errors/app-error";
import { toEffectView, type EffectRef, type ListEffectsQuery, type OutboxCountsView, type OutboxEffectView, type OutboxListView } from "./outbox.schemas";
import { countEffects, findShownEffect, selectParked, selectPending } from "./outbox.store";

/** Effects that gave up (newest first), or that wait (oldest first). @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listEffects(ctx: OwnerCtx, query: z.output<typeof ListEffectsQuery>): Promise<z.input<typeof OutboxListView>> {
  const after = query.cursor === undefined ? null : readCursor(query.cursor);
  const rows = await (query.state === "pending" ? selectPending : selectParked)(ctx, query.type, after, query.limit + 1);
  const { page, nextCursor } = pageOf(rows, query.limit, (row) => ({ at: query.state === "pending" ? row.createdAt : (row.parkedAt ?? 0), id: row.id }));
  return { effects: page.map(toEffectView), next_cursor: nextCursor };
}

/** One effect. @throws AppError NOT_FOUND: unknown, or delivered already */
export async function getEffect(ctx: OwnerCtx, ref: z.output<typeof EffectRef>): Promise<z.input<typeof OutboxEffectView>> {
  const effect = await findShownEffect(ctx, ref.effect_id);
  if (!effect) throw notFound("Effect");
  return toEffectView(effect);
}

/** How many effects wait, are due and gave up, by type. Reads the outbox, which is short while deliveries work. */
export async function getOutboxCounts(ctx: OwnerCtx): Promise<z.input<typeof OutboxCountsView>> {
  const rows = await countEffects(ctx, ctx.clock.now());
  const sum = (of: "pending" | "due" | "parked"): number => rows.reduce((total, row) => total + row[of], 0);
  const oldest = rows.map((row) => row.oldestDueAt).filter((at): at is number => at !== null);
  return {
    pending: sum("pending"),
    due: sum("due"),
    parked: sum("parked"),
    oldest_due_at: oldest.length === 0 ? null : isoOrNull(Math.min(...oldest)),
    by_type: rows.map(({ oldestDueAt, ...row }) => ({ ...row, oldest_due_at: isoOrNull(oldestDueAt) })),
  };
}
