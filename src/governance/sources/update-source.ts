import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { meant, nameTaken, requireOrigin } from "./source-rules";
import { isApproved, nextRunAfterChange, statusTold } from "./sources.core";
import type { SourceRef, UpdatedSourceView, UpdateSourceBody } from "./sources.schemas";
import { findSource, replaceCallersItems, updateSourceRow, type Source } from "./sources.store";

/** Changes a source; what callers wrote into it is replaced. Another status than `pending-approval` approves it. @throws THIRD_PARTY_SOURCE_NOT_FOUND, VALIDATION_ERROR, CONFLICT */
export function updateSource(ctx: Ctx, ref: z.output<typeof SourceRef>, body: z.output<typeof UpdateSourceBody>): Promise<z.input<typeof UpdatedSourceView>> {
  return changeSource(
    ctx,
    ref,
    "third_party_source.update",
    () => body,
    (plan) => {
      replaceCallersItems(ctx, plan, ref.id, body.items);
    },
  );
}

/** Lets a source be looked through from now on; repeating it is harmless. @throws THIRD_PARTY_SOURCE_NOT_FOUND */
export const approveSource = (ctx: Ctx, ref: z.output<typeof SourceRef>): Promise<z.input<typeof UpdatedSourceView>> =>
  changeSource(ctx, ref, "third_party_source.approve", ({ status }) => ({ status: isApproved(status) ? status : "healthy" }));

type Change = Omit<z.output<typeof UpdateSourceBody>, "items">;

function changeSource(ctx: Ctx, ref: z.output<typeof SourceRef>, action: string, changeOf: (source: Source) => Change, more?: (plan: Plan) => void): Promise<z.input<typeof UpdatedSourceView>> {
  return retryLostUpdate(async () => {
    const source = await findSource(ctx, ref.id);
    if (!source) throw refusal("THIRD_PARTY_SOURCE_NOT_FOUND", "Source not found.");
    const now = ctx.clock.now();
    const body = changeOf(source);
    const { kind = source.kind, originUrl = source.originUrl, status: told = source.status } = meant(body);
    requireOrigin(ctx, kind, originUrl);
    const { name = source.name, syncMode = source.syncMode, syncIntervalMinutes = source.syncIntervalMinutes } = body;
    // A sync of what the source was before, or of one that is no longer approved, must not end well.
    const breaksOff = source.leaseId !== null && (kind !== source.kind || originUrl !== source.originUrl || !isApproved(told));
    const status = statusTold(kind, told, source.leaseId !== null && !breaksOff);
    const after = {
      name,
      kind,
      originUrl,
      syncMode,
      syncIntervalMinutes,
      status,
      lastSyncedAt: body.lastSyncedAt === undefined ? source.lastSyncedAt : body.lastSyncedAt,
      nextRunAt: nextRunAfterChange({ kind, syncMode, syncIntervalMinutes }, status, body.nextRunAt, source.nextRunAt, now),
      notes: body.notes === undefined ? source.notes : body.notes,
      syncError: status === "error" ? source.syncError : null,
      updatedAt: now,
    };
    const plan = new Plan(ctx).guarded(updateSourceRow(ctx, source, { ...after, ...(breaksOff ? { leaseId: null, leaseUntil: null } : {}) }));
    more?.(plan);
    plan.audit(
      governed({
        action,
        kind: "ThirdPartySource",
        key: source.id,
        before: { name: source.name, kind: source.kind, originUrl: source.originUrl.split("?")[0], syncMode: source.syncMode, status: source.status },
        after: { name, kind, originUrl: originUrl.split("?")[0], syncMode, status },
      }),
    );
    try {
      await plan.commit();
    } catch (error) {
      throw nameTaken(error, name);
    }
    return { id: source.id, status: "updated" as const };
  });
}
