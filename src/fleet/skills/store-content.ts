import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { findBoundInstance } from "../cli-tokens";
import { advanceTransfer } from "./advance-transfer";
import { digestOf, putContent } from "./put-content";
import { isDigest, readContent } from "./skill-content.core";
import { isOpen } from "./skills.core";
import type { StoreContentQuery, StoredContentView } from "./skills.schemas";
import { findContent, findTransfer, listWaitingFor, updateTransferRow, upsertContent, type Transfer } from "./skills.store";

/** Transfers served by one upload at once; the sweep serves the rest. */
const SERVED_MAX = 20;

interface Upload extends z.output<typeof StoreContentQuery> {
  readonly digest: string;
  /** Reads the body, once it is wanted. */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * A source sends a skill that a transfer waits for; it goes on to the target at once. A repeat is harmless.
 * @throws AppError NOT_FOUND (nobody waits for it), TOKEN_BOUND, PAYLOAD_TOO_LARGE, VALIDATION_ERROR (another digest, or no content), DEPENDENCY_UNAVAILABLE
 */
export async function storeContent(ctx: OwnerCtx, upload: Upload): Promise<z.input<typeof StoredContentView>> {
  const { digest } = upload;
  const { userId } = ctx.actor;
  const transfer = await requireTransfer(ctx, upload);
  const known = await findContent(ctx, userId, digest);
  if (!known && transfer.state !== "waiting_source") throw notFound("Transfer");
  const bytes = await upload.read();
  if ((await digestOf(bytes)) !== digest) throw invalidField(["path", "digest"], "The content has another digest", "digest_mismatch");
  const content = readContent(bytes);
  if (content.kind === "bad") throw invalidField(["body"], content.why, "skill_content");
  const stored = { digest, size_bytes: bytes.byteLength, format: content.format, stored: true };
  if (known && !isOpen(transfer.state)) return stored;

  await putContent(ctx, userId, digest, bytes);
  await retryLostUpdate(async () => {
    const current = await findTransfer(ctx, userId, transfer.id);
    const now = ctx.clock.now();
    const plan = new Plan(ctx)
      .write(upsertContent(ctx, { tenantId: userId, digest, sizeBytes: bytes.byteLength, format: content.format }, now))
      .audit({ action: "skill.store", subject: { type: "skill_transfer", id: transfer.id }, detail: { digest, size_bytes: bytes.byteLength, skill_name: transfer.skillName } });
    // The skill changed since the beat that told its digest: what was asked for by name is what there is now.
    if (current?.state === "waiting_source" && current.digest !== digest) plan.guarded(updateTransferRow(ctx, current, { digest }));
    await plan.commit();
  });
  for (const waiting of await listWaitingFor(ctx, userId, digest, SERVED_MAX)) await advanceTransfer(ctx, waiting);
  return stored;
}

/** The transfer that an upload is for, which its sender may serve. */
async function requireTransfer(ctx: OwnerCtx, { digest, transfer_id: id, skill_name: name }: Upload): Promise<Transfer> {
  const { actor } = ctx;
  if (!isDigest(digest)) throw notFound("Transfer");
  const transfer = id === undefined ? (await listWaitingFor(ctx, actor.userId, digest, 1))[0] : await findTransfer(ctx, actor.userId, id);
  if (!transfer || (name !== undefined && name !== transfer.skillName)) throw notFound("Transfer");
  const boundTo = actor.type === "cliToken" ? await findBoundInstance(ctx, actor.tokenId) : null;
  if (boundTo !== null && boundTo !== transfer.sourceInstanceId) throw new AppError("TOKEN_BOUND", "This CLI token is bound to another machine than the one that was asked for the skill.");
  return transfer;
}
