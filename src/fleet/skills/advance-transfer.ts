import { instanceObject } from "../../../durable-objects/stubs";
import type { NewCommand } from "../../../durable-objects/instance/instance.rpc";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { readBodyBytes } from "../../kernel/http/read-body";
import { CONTENT_MAX_BYTES, readContent } from "./skill-content.core";
import { contentKey, contentUrl, inlineText, isOpen, nextCheckAt, nextState, nextStep, type TransferFacts, type TransferStep } from "./skills.core";
import { deleteContentRow, findContent, findTransferRow, updateTransferRow, type StoredContent, type Transfer } from "./skills.store";

/** Longest way through at once: ask the source, send, hear the result, and one step more when a content was lost. */
const STEPS_MAX = 4;

/**
 * Brings a transfer as far as it goes now: asks the source, sends to the target, takes their results. Every step may be repeated: commands
 * carry the transfer's id as their key. Whatever fails is tried again by the sweep.
 * @returns the transfer as it is afterwards
 */
export async function advanceTransfer(ctx: Ctx, transfer: Transfer): Promise<Transfer> {
  let now = transfer;
  try {
    for (let steps = 0; steps < STEPS_MAX && isOpen(now.state); steps++) {
      const next = await retryLostUpdate(async () => takeStep(ctx, (await findTransferRow(ctx, transfer.id)) ?? now));
      now = next.transfer;
      if (next.step === "wait") break;
    }
  } catch (error) {
    ctx.log.warn("a transfer of a skill is left to the sweep", { event: "skills.step_failed", transfer_id: transfer.id, ...describeError(error) });
    // Others first: one whose machine or file cannot be had must not stay at the head of the sweep.
    if (isOpen(now.state)) now = await save(ctx, now, {}).catch(() => now);
  }
  return now;
}

/** Job `skill.advance`: a transfer is due. */
export async function advanceTransferJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not a transfer");
  const transfer = await findTransferRow(ctx, payload);
  if (transfer) await advanceTransfer(ctx, transfer);
}

async function takeStep(ctx: Ctx, transfer: Transfer): Promise<{ readonly step: TransferStep["kind"]; readonly transfer: Transfer }> {
  if (!isOpen(transfer.state)) return { step: "wait", transfer };
  const content = await findContent(ctx, transfer.tenantId, transfer.digest);
  const command = await commandOf(ctx, transfer);
  const step = nextStep({ ...transfer, hasContent: content !== null, command }, ctx.clock.now());
  switch (step.kind) {
    case "wait":
      return { step: "wait", transfer: await save(ctx, transfer, {}) };
    case "ask_source":
      return askSource(ctx, transfer);
    case "send":
      return content ? send(ctx, transfer, content) : { step: "wait", transfer };
    case "end":
      return { step: "end", transfer: await end(ctx, transfer, step) };
  }
}

/** What became of the command that the transfer waits for. */
async function commandOf(ctx: Ctx, transfer: Transfer): Promise<TransferFacts["command"]> {
  const isSending = transfer.state === "sending";
  const id = isSending ? transfer.installCommandId : transfer.exportCommandId;
  if (id === null) return null;
  const ref = { userId: transfer.tenantId, instanceId: isSending ? transfer.targetInstanceId : transfer.sourceInstanceId };
  const commands = await instanceObject(ctx.objects, ref).listCommands(ref);
  return commands?.find((command) => command.id === id) ?? "unknown";
}

async function askSource(ctx: Ctx, transfer: Transfer): ReturnType<typeof takeStep> {
  const payload = { skill_name: transfer.skillName, digest: transfer.digest, transfer_id: transfer.id, url: contentUrl(transfer.digest) };
  const asked = await enqueue(ctx, transfer, transfer.sourceInstanceId, "export_skill", payload, `skill:${transfer.id}:export`);
  if (asked.kind === "gone") return { step: "end", transfer: await end(ctx, transfer, { kind: "end", event: "failed", failure: "The source is not one of your machines any more." }) };
  return { step: "wait", transfer: await save(ctx, transfer, asked.kind === "ok" ? { exportCommandId: asked.command.id } : {}) };
}

async function send(ctx: Ctx, transfer: Transfer, content: StoredContent): ReturnType<typeof takeStep> {
  const bytes = await readStored(ctx, content);
  if (!bytes) {
    // Asked of the source again, if it was not asked before.
    await deleteContentRow(ctx, content.tenantId, content.digest);
    return { step: "send", transfer };
  }
  const read = readContent(bytes);
  const payload = {
    skill_name: transfer.skillName,
    transfer_id: transfer.id,
    digest: content.digest,
    size: content.sizeBytes,
    format: content.format,
    url: contentUrl(content.digest),
    description: transfer.description,
    content: read.kind === "ok" ? inlineText(read.mainText) : null,
  };
  const sent = await enqueue(ctx, transfer, transfer.targetInstanceId, "install_skill", payload, `skill:${transfer.id}:install`);
  if (sent.kind === "gone") return { step: "end", transfer: await end(ctx, transfer, { kind: "end", event: "failed", failure: "The target is not one of your machines any more." }) };
  if (sent.kind !== "ok") return { step: "wait", transfer: await save(ctx, transfer, {}) };
  return { step: "wait", transfer: await save(ctx, transfer, { state: nextState(transfer.state, "content_sent") ?? transfer.state, installCommandId: sent.command.id }) };
}

async function readStored(ctx: Ctx, { tenantId, digest }: StoredContent): Promise<Uint8Array | null> {
  const file = await ctx.services.files.get(contentKey(tenantId, digest));
  return file && readBodyBytes(new Response(file.body), CONTENT_MAX_BYTES);
}

function enqueue(ctx: Ctx, transfer: Transfer, instanceId: string, type: NewCommand["type"], payload: Readonly<Record<string, unknown>>, idempotencyKey: string) {
  const ref = { userId: transfer.tenantId, instanceId };
  return instanceObject(ctx.objects, ref).enqueueCommand(ref, { type, payload, idempotencyKey });
}

async function save(ctx: Ctx, transfer: Transfer, changes: Partial<Pick<Transfer, "state" | "exportCommandId" | "installCommandId">>): Promise<Transfer> {
  const next = { ...changes, checkAt: nextCheckAt(transfer.createdAt, ctx.clock.now()) };
  await new Plan(ctx).guarded(updateTransferRow(ctx, transfer, next)).commit();
  return { ...transfer, ...next, updatedAt: ctx.clock.now(), version: transfer.version + 1 };
}

async function end(ctx: Ctx, transfer: Transfer, { event, failure }: Extract<TransferStep, { kind: "end" }>): Promise<Transfer> {
  const state = nextState(transfer.state, event);
  if (state === null) return transfer;
  const next = { state, failure, checkAt: null };
  await new Plan(ctx)
    .guarded(updateTransferRow(ctx, transfer, next))
    .audit({ action: "skill.finish", tenantId: transfer.tenantId, subject: { type: "skill_transfer", id: transfer.id }, detail: { state, skill_name: transfer.skillName, target_instance_id: transfer.targetInstanceId } })
    .commit();
  return { ...transfer, ...next, updatedAt: ctx.clock.now(), version: transfer.version + 1 };
}
