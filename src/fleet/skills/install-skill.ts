import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { utf8 } from "../../kernel/crypto/bytes";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { objectOf, refOf } from "../instances";
import { advanceTransfer } from "./advance-transfer";
import { listMachineSkills } from "./list-machine-skills";
import { digestOf, putContent } from "./put-content";
import { readContent, type ContentFormat } from "./skill-content.core";
import { copiesOf, nextCheckAt, TRANSFER_TTL_MS, type SkillCopy } from "./skills.core";
import { toInstallView, type InstallSkillBody, type InstallSkillView } from "./skills.schemas";
import { findOpenTransfer, insertTransfer, isUsableInstance, touchContent, upsertContent, type Transfer } from "./skills.store";

type View = z.input<typeof InstallSkillView>;

/** A copy whose content has this digest; with the content itself when its beat told it. */
interface Source {
  readonly copy: SkillCopy;
  readonly digest: string;
  readonly inline: { readonly bytes: Uint8Array<ArrayBuffer>; readonly format: ContentFormat } | null;
}

const INSTALLED: View = { ok: true, message: "The machine has this skill already.", command_id: null, transfer_id: null, status: "installed" };

/**
 * Brings a skill from whichever machine of the caller has it to another one. The same request again while that is under way answers the
 * same transfer. @throws AppError NOT_FOUND (target, or nobody has the skill), DEPENDENCY_UNAVAILABLE
 */
export async function installSkill(ctx: OwnerCtx, { skill_name: name, target_instance_id: target }: z.output<typeof InstallSkillBody>): Promise<View> {
  const { userId } = ctx.actor;
  if (!(await isUsableInstance(ctx, userId, target))) throw notFound("Machine");
  const open = await findOpenTransfer(ctx, userId, target, name);
  if (open) return toInstallView(await advanceTransfer(ctx, open));

  const copies = copiesOf(await listMachineSkills(ctx), name);
  const source = await findSource(ctx, copies.filter((copy) => copy.instanceId !== target), name);
  const there = copies.find((copy) => copy.instanceId === target);
  if (there && (!source || there.digest === source.digest)) return INSTALLED;
  if (!source) throw notFound("Skill");
  if (source.inline) await putContent(ctx, userId, source.digest, source.inline.bytes);
  return toInstallView(await advanceTransfer(ctx, await startTransfer(ctx, name, target, source)));
}

/** The best copy that can really be had. A text that is not what its digest says is no whole skill: that one is asked of its machine. */
async function findSource(ctx: OwnerCtx, copies: readonly SkillCopy[], name: string): Promise<Source | null> {
  for (const copy of copies) {
    const text = copy.hasContent ? await objectOf(ctx, copy.instanceId).getSkillContent(refOf(ctx, copy.instanceId), name) : null;
    const bytes = text === null ? null : utf8(text);
    const content = bytes && readContent(bytes);
    if (bytes && content?.kind === "ok") {
      const digest = await digestOf(bytes);
      if (copy.digest === null || copy.digest === digest) return { copy, digest, inline: { bytes, format: content.format } };
    }
    if (copy.digest !== null) return { copy, digest: copy.digest, inline: null };
  }
  return null;
}

async function startTransfer(ctx: OwnerCtx, skillName: string, targetInstanceId: string, { copy, digest, inline }: Source): Promise<Transfer> {
  const { userId: tenantId } = ctx.actor;
  const now = ctx.clock.now();
  const transfer: Transfer = {
    id: newId("skt", now),
    tenantId,
    skillName,
    description: copy.description.slice(0, 500),
    sourceInstanceId: copy.instanceId,
    targetInstanceId,
    digest,
    state: "waiting_source",
    exportCommandId: null,
    installCommandId: null,
    failure: null,
    checkAt: nextCheckAt(now, now),
    expiresAt: now + TRANSFER_TTL_MS,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  const plan = new Plan(ctx)
    .write(inline ? upsertContent(ctx, { tenantId, digest, sizeBytes: inline.bytes.byteLength, format: inline.format }, now) : touchContent(ctx, tenantId, digest, now))
    .write(insertTransfer(ctx, transfer))
    .audit({ action: "skill.install", subject: { type: "skill_transfer", id: transfer.id }, detail: { skill_name: skillName, source_instance_id: copy.instanceId, target_instance_id: targetInstanceId } });
  try {
    await plan.commit();
    return transfer;
  } catch (error) {
    // The same request came twice at once: both get the one transfer.
    const first = isUniqueViolation(error, "skill_transfers") ? await findOpenTransfer(ctx, tenantId, targetInstanceId, skillName) : null;
    if (!first) throw error;
    return first;
  }
}
