import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import type { DeletedSourceView, SourceRef } from "./sources.schemas";
import { deleteSource as deleteSourceRows, findSource } from "./sources.store";

/** Removes a source and what it offered; what was installed from it stays. @throws THIRD_PARTY_SOURCE_NOT_FOUND */
export function deleteSource(ctx: Ctx, ref: z.output<typeof SourceRef>): Promise<z.input<typeof DeletedSourceView>> {
  return retryLostUpdate(async () => {
    const source = await findSource(ctx, ref.id);
    if (!source) throw refusal("THIRD_PARTY_SOURCE_NOT_FOUND", "Source not found.");
    const plan = new Plan(ctx);
    deleteSourceRows(ctx, plan, source);
    plan.audit(governed({ action: "third_party_source.delete", kind: "ThirdPartySource", key: source.id, before: { name: source.name, kind: source.kind, status: source.status } }));
    await plan.commit();
    return { id: source.id, status: "deleted" as const };
  });
}
