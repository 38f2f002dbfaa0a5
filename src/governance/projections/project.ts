import { sourceObject } from "../../../durable-objects/stubs";
import type { ChangedBy, OutboxEntry, SourceRef } from "../../../durable-objects/shared/object-outbox.rpc";
import { describeAct } from "../../kernel/audit/audit";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { describeError } from "../../kernel/logging/logger";
import { governed, type GovernedAct } from "../audit-trail";
import { markProjected } from "./projections.store";

/** What makes D1 show the changes of one kind. */
export interface Projector {
  /**
   * Adds the row's upsert (or its deletion, for a null snapshot) and the effects of the change. Called only for what is newer than
   * what D1 shows; adds no guard of its own.
   */
  readonly show: (ctx: Ctx, plan: Plan, entry: Pick<OutboxEntry, "kind" | "key" | "revision" | "snapshot" | "audit">) => void;
  /** What else must know, after the commit; harmless when repeated. Until it ends well the entry is not acknowledged. */
  readonly follow?: (ctx: Ctx, entry: Pick<OutboxEntry, "key" | "revision" | "snapshot">) => Promise<void>;
}

/** Who asks for a change, to be kept with it. */
export function changedBy(ctx: Ctx): ChangedBy {
  const { source: _, ...by } = describeAct(ctx, "");
  return by;
}

/**
 * Makes D1 show a change of an object, with its audit row, in one commit, and tells the object so. Harmless when repeated, also by two at
 * once and in the wrong order: an older revision writes its audit row and nothing else. What fails here is done again by the
 * object's alarm.
 */
export async function project(ctx: Ctx, ref: SourceRef, entry: OutboxEntry, projector: Projector): Promise<void> {
  await show(ctx, entry, projector);
  ctx.defer(
    sourceObject(ctx.objects, ref)
      .ackEntries([entry.seq])
      .catch((error: unknown) => ctx.log.warn("a projection was not acknowledged", { event: "projection.unacknowledged", ...describeError(error) })),
  );
}

/** {@link project} without the acknowledgement. */
export async function show(ctx: Ctx, entry: OutboxEntry, projector: Projector): Promise<void> {
  try {
    const plan = new Plan(ctx).guarded(markProjected(ctx, entry.kind, entry.key, entry.revision, false));
    projector.show(ctx, plan, entry);
    await audited(plan, entry).commit();
  } catch (error) {
    if (!(error instanceof LostUpdateError)) throw error;
    await audited(new Plan(ctx), entry).commit();
  }
  await projector.follow?.(ctx, entry);
}

function audited(plan: Plan, { audit, source }: OutboxEntry): Plan {
  if (!audit) return plan;
  const { by, ...act } = audit;
  return plan.audit(governed(act, { ...by, source }));
}

/**
 * Makes D1 show what the object says now, although it may have been shown before. @returns false when D1 shows something newer by now
 * @param act what the audit trail says of it
 */
export async function showAgain(ctx: Ctx, entry: Pick<OutboxEntry, "kind" | "key" | "revision" | "snapshot">, projector: Projector, act: GovernedAct): Promise<boolean> {
  try {
    const plan = new Plan(ctx).guarded(markProjected(ctx, entry.kind, entry.key, entry.revision, true));
    projector.show(ctx, plan, { ...entry, audit: null });
    await plan.audit(governed(act)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return false;
    throw error;
  }
  await projector.follow?.(ctx, entry);
  return true;
}
