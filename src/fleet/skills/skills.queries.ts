import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import type { StoredFile } from "../../kernel/ports/services";
import { advanceTransfer } from "./advance-transfer";
import { listMachineSkills } from "./list-machine-skills";
import { contentKey, mergeSkills, type FleetSkill } from "./skills.core";
import { toTransferView, type TransferView } from "./skills.schemas";
import { findContent, findTransfer, type StoredContent } from "./skills.store";

/** Skills over all machines of the caller, by name. */
export async function listSkills(ctx: OwnerCtx): Promise<readonly FleetSkill[]> {
  return mergeSkills(await listMachineSkills(ctx));
}

/** How a transfer is doing, its machines' newest results included. @throws AppError NOT_FOUND */
export async function getTransfer(ctx: OwnerCtx, id: string): Promise<z.input<typeof TransferView>> {
  const transfer = await findTransfer(ctx, ctx.actor.userId, id);
  if (!transfer) throw notFound("Transfer");
  return toTransferView(await advanceTransfer(ctx, transfer));
}

/** A content, for the owner's machines. @throws AppError NOT_FOUND */
export async function getSkillContent(ctx: OwnerCtx, digest: string): Promise<StoredFile & Pick<StoredContent, "digest" | "format">> {
  const content = await findContent(ctx, ctx.actor.userId, digest);
  const file = content && (await ctx.services.files.get(contentKey(content.tenantId, content.digest)));
  if (!content || !file) throw notFound("Content");
  return { ...file, digest: content.digest, format: content.format };
}
