import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { listDueSources } from "./sources.store";
import { syncSource } from "./sync-source";

const DUE_MAX = 50;

/** Effect: a sync that was asked for goes on the queue. */
export async function sendSync(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  await ctx.services.jobs.send({ v: 1, id: effectId, type: "source.sync", payload });
}

/** Job: one sync. */
export async function syncJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload === "string") await syncSource(ctx, payload);
}

/** Cron: puts every sync that is due on the queue. */
export async function enqueueDueSyncs(ctx: Ctx): Promise<void> {
  const due = await listDueSources(ctx, DUE_MAX);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(due.map((id) => ctx.services.jobs.send({ v: 1, id: `source.sync:${id}:${minute}`, type: "source.sync", payload: id })));
}
