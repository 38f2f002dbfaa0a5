import { SECOND_MS } from "../../kernel/clock";
import { webOrigin, type Ctx } from "../../kernel/context";
import { filePath, signGrant } from "./file-grant";
import { contentTypeOf, downloadNameOf, MAX_FILE_BYTES, readFileKey } from "./uploads.core";

/** How long somebody has to begin an upload or a removal. */
export const SHORT_LIFE_SECONDS = 900;

/** Where a file is, for our own records: no signature, so it opens nothing. */
export function fileLocation(ctx: Ctx, key: string): string {
  const { endpoint, bucket } = ctx.services.files;
  return endpoint === null ? `${webOrigin(ctx)}${filePath(key)}` : `${endpoint}/${bucket}/${key}`;
}

/** The key an address names, as {@link readFileKey} sees it from here. */
export function keyOfLocation(ctx: Ctx, location: string): string | null {
  const { bucket, endpoint } = ctx.services.files;
  return readFileKey(location.trim(), { bucket, endpoint, origins: [webOrigin(ctx), ctx.client.origin] });
}

/**
 * An address to upload to. The store itself takes it when it can hold the upload to its exact size; where the size is not known
 * beforehand, or the store has no address, the upload comes through us and is held to the limit here.
 */
export async function signUpload(ctx: Ctx, key: string, sizeBytes: number | null): Promise<string> {
  const { presign } = ctx.services.files;
  const contentType = contentTypeOf(key);
  if (contentType === null) throw new Error("a key without a known type was to be signed for upload");
  const signedAt = ctx.clock.now();
  if (presign && sizeBytes !== null) return presign({ method: "PUT", key, signedAt, expiresInSeconds: SHORT_LIFE_SECONDS, upload: { contentType, sizeBytes } });
  return signOwn(ctx, { op: "PUT", key, max: sizeBytes ?? MAX_FILE_BYTES, type: contentType }, SHORT_LIFE_SECONDS);
}

/** An address to read from, or to remove with. */
export async function signAccess(ctx: Ctx, method: "GET" | "DELETE", key: string, expiresInSeconds: number): Promise<string> {
  const { presign } = ctx.services.files;
  if (!presign) return signOwn(ctx, { op: method, key, max: null, type: null }, expiresInSeconds);
  return presign({ method, key, signedAt: ctx.clock.now(), expiresInSeconds, ...(method === "GET" ? { downloadName: downloadNameOf(key) } : {}) });
}

async function signOwn(ctx: Ctx, grant: { op: "PUT" | "GET" | "DELETE"; key: string; max: number | null; type: string | null }, expiresInSeconds: number): Promise<string> {
  const exp = Math.ceil(ctx.clock.now() / SECOND_MS) + expiresInSeconds;
  return `${webOrigin(ctx)}${await signGrant(ctx.config.tokenKeys, { ...grant, exp })}`;
}
