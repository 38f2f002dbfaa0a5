import type { Ctx } from "../../kernel/context";
import { toHex, sha256 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { contentKey } from "./skills.core";

/** Digest of a content, as it travels. */
export const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => toHex(await sha256(bytes));

/** Puts a content where its digest says; the same one again is harmless. @throws AppError DEPENDENCY_UNAVAILABLE */
export async function putContent(ctx: Ctx, tenantId: number, digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const body = new Response(bytes).body;
  if (!body) throw new Error("a content has no bytes");
  try {
    await ctx.services.files.put(contentKey(tenantId, digest), body, { contentType: "application/octet-stream", sizeBytes: bytes.byteLength });
  } catch (error) {
    ctx.log.warn("file store refused a skill", { event: "skills.put_failed", ...describeError(error) });
    throw error instanceof AppError ? error : new AppError("DEPENDENCY_UNAVAILABLE", "The file store does not answer.", { cause: error });
  }
}
