import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { discard, meterBody } from "./meter-body";
import { requireGrant } from "./require-grant";
import { matchesType, ownerOfKey } from "./uploads.core";
import type { FileUploadQuery, StoredFileView } from "./uploads.schemas";

interface Upload {
  readonly key: string;
  readonly grant: z.output<typeof FileUploadQuery>;
  readonly contentType: string | null;
  readonly contentLength: string | null;
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Takes an upload as its address was signed: that type, at most that size, and a beginning that the type has. It flows into the
 * store as it comes, and the store keeps all of it or nothing.
 * @throws AppError SIGNED_URL_INVALID, SIGNED_URL_EXPIRED, UNSUPPORTED_MEDIA_TYPE, LENGTH_REQUIRED, PAYLOAD_TOO_LARGE, MALFORMED_REQUEST
 */
export async function storeFile(ctx: Ctx, upload: Upload): Promise<z.input<typeof StoredFileView>> {
  const { op, exp, max, type, sig } = upload.grant;
  await requireGrant(ctx, "PUT", { op, key: upload.key, exp, max, type }, sig);
  try {
    return await storeGranted(ctx, upload);
  } catch (error) {
    // Whoever still sends hears nothing: a refusal reaches them when they are done.
    if (upload.body && !upload.body.locked) await discard(upload.body);
    throw error;
  }
}

async function storeGranted(ctx: Ctx, { key, grant: { max, type }, contentType, contentLength, body }: Upload): Promise<z.input<typeof StoredFileView>> {
  if (contentType?.trim().toLowerCase() !== type) throw new AppError("UNSUPPORTED_MEDIA_TYPE", `Send the file as ${type}.`, { extras: { content_type: type } });
  if (contentLength === null || !/^\d{1,15}$/.test(contentLength)) throw new AppError("LENGTH_REQUIRED", "Send the size of the file as Content-Length.");
  const sizeBytes = Number(contentLength);
  if (sizeBytes > max) throw new AppError("PAYLOAD_TOO_LARGE", `The file is larger than ${max} bytes.`, { extras: { max_bytes: max } });

  const upload = body && (await meterBody(body, sizeBytes));
  if (!upload || !matchesType(type, upload.head)) {
    if (upload) await discard(upload.stream);
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", `The file does not begin as ${type} does.`, { extras: { content_type: type } });
  }
  try {
    await ctx.services.files.put(key, upload.stream, { contentType: type, sizeBytes });
  } catch (error) {
    if (upload.isBroken()) throw new AppError("MALFORMED_REQUEST", "The file is not as long as Content-Length says.", { cause: error });
    ctx.log.warn("file store refused an upload", { event: "file.put_failed", ...describeError(error) });
    throw error instanceof AppError ? error : new AppError("DEPENDENCY_UNAVAILABLE", "The file store does not answer.", { cause: error });
  }
  await new Plan(ctx).audit({ action: "file.store", tenantId: ownerOfKey(key), subject: { type: "file", id: key }, detail: { size_bytes: sizeBytes, content_type: type } }).commit();
  return { key, size_bytes: sizeBytes, content_type: type };
}
