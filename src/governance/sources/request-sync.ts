import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { isApproved, isSyncable } from "./sources.core";
import type { RequestedSyncView, SourceRef } from "./sources.schemas";
import { findSource, updateSourceRow } from "./sources.store";

/** Has a source looked through soon. While a sync runs another one follows it. @throws THIRD_PARTY_SOURCE_NOT_FOUND, SOURCE_NOT_SYNCABLE, SOURCE_NOT_APPROVED */
export function requestSync(ctx: Ctx, ref: z.output<typeof SourceRef>): Promise<z.input<typeof RequestedSyncView>> {
  return retryLostUpdate(async () => {
    const source = await findSource(ctx, ref.id);
    if (!source) throw refusal("THIRD_PARTY_SOURCE_NOT_FOUND", "Source not found.");
    if (!isSyncable(source.kind)) throw refusal("SOURCE_NOT_SYNCABLE", "What is uploaded by hand is not looked through.");
    if (!isApproved(source.status)) throw refusal("SOURCE_NOT_APPROVED", "Approve the source first.");
    await new Plan(ctx)
      .guarded(updateSourceRow(ctx, source, { requestedAt: ctx.clock.now() }))
      .audit(governed({ action: "third_party_source.request_sync", kind: "ThirdPartySource", key: source.id }))
      .effect({ type: "source.sync", payload: source.id })
      .commit();
    return { id: source.id, status: "queued" as const };
  });
}
