import type { z } from "zod";
import { iso, SECOND_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { keyOfLocation, signAccess } from "./sign-file-url";
import { ownerOfKey } from "./uploads.core";
import type { DocumentUrlBody, DocumentUrlView } from "./uploads.schemas";

/** A signed address under which an administrator reads somebody's document; who asked is kept. @throws AppError VALIDATION_ERROR */
export async function issueDocumentUrl(ctx: OwnerCtx, body: z.output<typeof DocumentUrlBody>): Promise<z.input<typeof DocumentUrlView>> {
  const key = keyOfLocation(ctx, body.document_url);
  if (key === null) throw invalidField(["body", "document_url"], "This is no verification document of this service.");
  const expiresAt = ctx.clock.now() + body.expiration * SECOND_MS;
  const url = await signAccess(ctx, "GET", key, body.expiration);
  await new Plan(ctx).audit({ action: "document.open", tenantId: ownerOfKey(key), subject: { type: "file", id: key }, detail: { expires_in_seconds: body.expiration } }).commit();
  return { presigned_url: url, expires_at: iso(expiresAt), bucket: ctx.services.files.bucket, key };
}
