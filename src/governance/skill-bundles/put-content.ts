import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { sha256Of } from "./skill-bundles.core";
import type { BundleRef, StoredContentView } from "./skill-bundles.schemas";
import { findBundle } from "./skill-bundles.store";
import { describeContent, digestMismatch, readInlineContent, requireStore, storeContent } from "./skill-content";

/** What was sent: the bytes themselves, or text that may be base64 of them. */
export type SentContent = { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly kind: "text"; readonly text: string };

/**
 * Keeps the content of a skill. Repeating it is harmless.
 * @param read reads the body, once it is wanted
 * @throws NOT_CONFIGURED, SKILL_BUNDLE_NOT_FOUND, VALIDATION_ERROR (another digest, too large), DEPENDENCY_UNAVAILABLE
 */
export async function putBundleContent(ctx: Ctx, ref: z.output<typeof BundleRef>, read: () => Promise<SentContent>): Promise<z.input<typeof StoredContentView>> {
  requireStore(ctx);
  const found = await findBundle(ctx, ref.id);
  if (!found) throw refusal("SKILL_BUNDLE_NOT_FOUND", "Skill not found.");
  const wanted = sha256Of(found.bundle.digest);
  const sent = await read();
  if (wanted === null) throw digestMismatch();
  const content = sent.kind === "text" ? await readInlineContent(sent.text, wanted) : await describeContent(sent.bytes);
  if (content.sha256 !== wanted) throw digestMismatch();
  const plan = new Plan(ctx);
  await storeContent(ctx, plan, content);
  plan.audit(governed({ action: "skill_bundle.store_content", kind: "SkillBundle", key: ref.id, after: { digest: `sha256:${wanted}`, sizeBytes: content.bytes.byteLength, contentType: content.contentType } }));
  await plan.commit();
  return { id: ref.id, digest: `sha256:${wanted}`, sizeBytes: content.bytes.byteLength, contentType: content.contentType, stored: true };
}
