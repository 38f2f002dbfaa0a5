import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { meant, nameTaken, requireOrigin } from "./source-rules";
import { DEFAULT_INTERVAL_MINUTES, nextRunAfterChange, statusTold } from "./sources.core";
import type { CreatedSourceView, CreateSourceBody } from "./sources.schemas";
import { insertSource, replaceCallersItems } from "./sources.store";

/** Adds a source. It waits for approval unless the caller says otherwise. @throws AppError VALIDATION_ERROR, CONFLICT when the name is taken */
export async function createSource(ctx: Ctx, body: z.output<typeof CreateSourceBody>): Promise<z.input<typeof CreatedSourceView>> {
  const { kind, originUrl, status: told = "pending-approval" } = meant(body);
  if (kind === undefined || originUrl === undefined) throw new Error("the schema lets no source through without kind and address");
  requireOrigin(ctx, kind, originUrl);
  const status = statusTold(kind, told, false);
  const now = ctx.clock.now();
  const id = newId("src", now);
  const { name, syncMode, syncIntervalMinutes = DEFAULT_INTERVAL_MINUTES } = body;
  const plan = new Plan(ctx).write(
    insertSource(ctx, {
      id,
      name,
      kind,
      originUrl,
      syncMode,
      status,
      syncIntervalMinutes,
      lastSyncedAt: body.lastSyncedAt ?? null,
      nextRunAt: nextRunAfterChange({ kind, syncMode, syncIntervalMinutes }, status, body.nextRunAt, null, now),
      notes: body.notes ?? null,
      createdAt: now,
      updatedAt: now,
    }),
  );
  replaceCallersItems(ctx, plan, id, body.items);
  plan.audit(governed({ action: "third_party_source.create", kind: "ThirdPartySource", key: id, after: { name, kind, originUrl: originUrl.split("?")[0], syncMode, status, items: body.items.length } }));
  try {
    await plan.commit();
  } catch (error) {
    throw nameTaken(error, name);
  }
  return { id, status: "created" };
}
