import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { fileLocation, signUpload } from "./sign-file-url";
import { contentTypeOf, FILE_EXTENSIONS, fileKeyOf, MAX_FILE_BYTES } from "./uploads.core";
import type { UploadUrlQuery, UploadUrlView } from "./uploads.schemas";

/** A signed address for one new document of the caller. Nothing exists until it is uploaded. @throws AppError VALIDATION_ERROR */
export async function issueUploadUrl(ctx: OwnerCtx, query: z.output<typeof UploadUrlQuery>): Promise<z.input<typeof UploadUrlView>> {
  if (contentTypeOf(query.filename) === null) throw invalidField(["query", "filename"], `The file must be one of ${FILE_EXTENSIONS.join(", ")}.`);
  const key = fileKeyOf(ctx.actor.userId, newUuid(), query.filename);
  return { upload_url: await signUpload(ctx, key, query.size_bytes ?? null), file_url: fileLocation(ctx, key), max_bytes: MAX_FILE_BYTES };
}
