import type { Ctx } from "../../kernel/context";
import { fromBase64Url, sha256, toHex, utf8 } from "../../kernel/crypto/bytes";
import type { Plan } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { governanceConfig } from "../config";
import { refusal } from "../errors";
import { contentKeyOf, MAX_CONTENT_BYTES } from "./skill-bundles.core";
import { beginStoring, markLost, markStored } from "./skill-bundles.store";
import { readSkillText } from "./skill-scan.core";

/** Contents of skills in the file store: first their row, then their bytes, then the row says so. Cut off anywhere, a repeat or the clean-up finishes. */

const BUSY_SECONDS = 10;

export interface SkillContent {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

export const hasStore = (ctx: Ctx): boolean => !governanceConfig(ctx).skills.isStoreOff;

/** @throws NOT_CONFIGURED when contents are not kept here */
export function requireStore(ctx: Ctx): void {
  if (!hasStore(ctx)) throw refusal("NOT_CONFIGURED", "Contents of skills are not kept here.");
}

/** What bytes are. @throws VALIDATION_ERROR when there are none or too many */
export async function describeContent(bytes: Uint8Array<ArrayBuffer>): Promise<SkillContent> {
  if (bytes.byteLength === 0) throw invalidField(["body", "content"], "The content is empty");
  if (bytes.byteLength > MAX_CONTENT_BYTES) throw invalidField(["body", "content"], `The content is larger than ${MAX_CONTENT_BYTES} bytes`, "too_big");
  return { sha256: toHex(await sha256(bytes)), bytes, contentType: readSkillText(bytes) === null ? "application/octet-stream" : "text/markdown; charset=utf-8" };
}

/** A content that came inside JSON, as text or base64: the one that has the digest. @throws VALIDATION_ERROR when neither has */
export async function readInlineContent(text: string, wanted: string): Promise<SkillContent> {
  const decoded = fromBase64Url(text);
  for (const bytes of [utf8(text), ...(decoded ? [decoded] : [])]) {
    const content = bytes.byteLength > 0 && bytes.byteLength <= MAX_CONTENT_BYTES ? await describeContent(bytes) : null;
    if (content?.sha256 === wanted) return content;
  }
  throw digestMismatch();
}

export const digestMismatch = (): AppError => invalidField(["body", "content"], "The content has another SHA-256 than the digest of the skill", "digest_mismatch");

/**
 * Stores the bytes, and adds to `plan` that they are there. The same content again is harmless.
 * @throws DEPENDENCY_UNAVAILABLE
 */
export async function storeContent(ctx: Ctx, plan: Plan, content: SkillContent): Promise<void> {
  await putContent(ctx, content);
  plan.guarded(markStored(ctx, content.sha256));
}

async function putContent(ctx: Ctx, { sha256: digest, bytes, contentType }: SkillContent): Promise<void> {
  if (!(await beginStoring(ctx, { sha256: digest, sizeBytes: bytes.byteLength, contentType }))) {
    throw new AppError("DEPENDENCY_UNAVAILABLE", "This content is just being removed; try again in a moment.", { retryAfterSeconds: BUSY_SECONDS });
  }
  const body = new Response(bytes).body;
  if (!body) throw new Error("a content has no bytes");
  try {
    await ctx.services.files.put(contentKeyOf(digest), body, { contentType, sizeBytes: bytes.byteLength });
  } catch (error) {
    ctx.log.warn("file store refused a skill", { event: "skill_bundles.put_failed", ...describeError(error) });
    throw error instanceof AppError ? error : new AppError("DEPENDENCY_UNAVAILABLE", "The file store does not answer.", { cause: error });
  }
}

/**
 * A stored content, whole and with the digest it was asked for by; null when its bytes are lost, which is remembered.
 * @throws UPSTREAM_ERROR when the store holds other bytes
 */
export async function loadContent(ctx: Ctx, digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await ctx.services.files.get(contentKeyOf(digest));
  if (!file) {
    await markLost(ctx, digest);
    return null;
  }
  const bytes = new Uint8Array(await new Response(file.body).arrayBuffer());
  if (toHex(await sha256(bytes)) === digest) return bytes;
  ctx.log.error("a skill in the file store is not what its name says", { event: "skill_bundles.corrupt", digest });
  throw refusal("UPSTREAM_ERROR", "The file store holds other bytes than were stored.");
}
