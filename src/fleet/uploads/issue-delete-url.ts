import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { invalidField, notFound } from "../../kernel/errors/app-error";
import { keyOfLocation, SHORT_LIFE_SECONDS, signAccess, signUpload } from "./sign-file-url";
import { contentTypeOf, ownerOfKey } from "./uploads.core";
import type { DeleteUrlBody, DeleteUrlView } from "./uploads.schemas";

/**
 * Signed addresses to remove one of the caller's own documents, and to put another in its place.
 * @throws AppError VALIDATION_ERROR when it names no file of ours, NOT_FOUND when the file is somebody else's
 */
export async function issueDeleteUrl(ctx: OwnerCtx, body: z.output<typeof DeleteUrlBody>): Promise<z.input<typeof DeleteUrlView>> {
  const key = keyOfLocation(ctx, body.file_url);
  if (key === null || contentTypeOf(key) === null) throw invalidField(["body", "file_url"], "This is no uploaded file of this service.");
  if (ownerOfKey(key) !== ctx.actor.userId) throw notFound("File");
  const urls = { delete_url: await signAccess(ctx, "DELETE", key, SHORT_LIFE_SECONDS), upload_url: await signUpload(ctx, key, null) };
  await new Plan(ctx).audit({ action: "document.release", subject: { type: "file", id: key } }).commit();
  return urls;
}
