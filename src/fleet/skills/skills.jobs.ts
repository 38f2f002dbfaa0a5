import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { contentKey } from "./skills.core";
import { deleteContentRow, forgetTransferRows, listTransfersToCheck, listUnusedContents } from "./skills.store";

const SWEEP_LIMIT = 100;

/** The tick of the sweep: one message for every transfer that is due. */
export async function enqueueTransfers(ctx: Ctx): Promise<void> {
  const ids = await listTransfersToCheck(ctx, SWEEP_LIMIT);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `skill.advance:${id}:${minute}`, type: "skill.advance", payload: id })));
  if (ids.length > 0) ctx.log.info("transfers of skills enqueued", { event: "skills.swept", count: ids.length });
}

/** Forgets contents that nobody asked for since `before` (ms), and transfers that were over by then. The file goes first: its row finds it again should that fail. */
export async function forgetOldSkills(ctx: Ctx, before: number): Promise<void> {
  for (const { tenantId, digest } of await listUnusedContents(ctx, before, SWEEP_LIMIT)) {
    await ctx.services.files.delete(contentKey(tenantId, digest));
    await deleteContentRow(ctx, tenantId, digest);
  }
  await forgetTransferRows(ctx, before);
}
