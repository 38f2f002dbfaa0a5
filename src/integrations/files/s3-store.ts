import { AwsV4Signer } from "aws4fetch";
import { iso } from "../../kernel/clock";
import type { S3Config } from "../../kernel/config";
import { AppError } from "../../kernel/errors/app-error";
import type { FileStore, PresignRequest } from "../../kernel/ports/services";
import { streamExactly } from "./exact-length";

/** Calls of our own: signed, made, forgotten. */
const CALL_SECONDS = 60;
const UPLOAD_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 10_000;
const UNKNOWN_TYPE = "application/octet-stream";

/** A request to the store; `query` is of the bucket's own calls, whose key is empty. */
type S3Call = Omit<PresignRequest, "signedAt" | "expiresInSeconds"> & { readonly query?: Readonly<Record<string, string>> };

/** Files in an S3-compatible bucket, addressed path style. */
export function createS3Store(config: S3Config): FileStore {
  const call = async (request: S3Call, init: RequestInit, timeoutMs: number): Promise<Response> => {
    const url = await presignS3(config, { ...request, signedAt: Date.now(), expiresInSeconds: CALL_SECONDS });
    const response = await fetch(url, { ...init, method: request.method, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
      throw new AppError("DEPENDENCY_UNAVAILABLE", "The file store does not answer.", { cause: error });
    });
    if (response.ok || response.status === 404) return response;
    await response.body?.cancel();
    throw new AppError("DEPENDENCY_UNAVAILABLE", "The file store refused.", { cause: new Error(`${request.method} answered ${response.status}`) });
  };
  return {
    bucket: config.bucket,
    endpoint: config.endpoint,
    presign: (request) => presignS3(config, request),
    async put(key, body, upload) {
      const { contentType, sizeBytes } = upload;
      const response = await streamExactly(body, sizeBytes, (stream) => call({ method: "PUT", key, upload }, { headers: { "content-type": contentType }, body: stream }, UPLOAD_TIMEOUT_MS));
      if (!response.ok) throw new AppError("DEPENDENCY_UNAVAILABLE", "The file store has no such bucket.");
    },
    async get(key) {
      const response = await call({ method: "GET", key }, {}, TIMEOUT_MS);
      if (!response.ok || !response.body) return null;
      return { body: response.body, contentType: response.headers.get("content-type") ?? UNKNOWN_TYPE, sizeBytes: Number(response.headers.get("content-length") ?? "0") };
    },
    async delete(key) {
      await call({ method: "DELETE", key }, {}, TIMEOUT_MS);
    },
    async list(prefix) {
      const query = { "list-type": "2", prefix, "encoding-type": "url" };
      const response = await call({ method: "GET", key: "", query }, {}, TIMEOUT_MS);
      if (!response.ok) throw new AppError("DEPENDENCY_UNAVAILABLE", "The file store has no such bucket.");
      return readKeys(await response.text());
    },
  };
}

/** The keys of a listing, which come percent-encoded (a store that does not encode writes none that needs it: ours are plain). */
const readKeys = (xml: string): string[] => [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => decodeURIComponent(key.replaceAll("+", "%20")));

/** As the signature counts it, so that no server has to guess. */
const encodeRfc3986 = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * A query-signed address (AWS Signature Version 4). Type and length of an upload are signed headers, so the store refuses any
 * other; a download is always saved, never shown.
 */
export async function presignS3(config: S3Config, request: PresignRequest & Pick<S3Call, "query">): Promise<string> {
  const url = new URL(`${config.endpoint}/${config.bucket}/${request.key.split("/").map(encodeRfc3986).join("/")}`);
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  url.searchParams.set("X-Amz-Expires", String(request.expiresInSeconds));
  url.searchParams.set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD");
  if (request.downloadName !== undefined) url.searchParams.set("response-content-disposition", `attachment;filename="${request.downloadName}"`);
  const { upload } = request;
  const signed = await new AwsV4Signer({
    method: request.method,
    url: url.href,
    headers: upload ? { "content-type": upload.contentType, "content-length": String(upload.sizeBytes) } : {},
    accessKeyId: config.accessKeyId,
    secretAccessKey: config.secretAccessKey,
    service: "s3",
    region: config.region,
    datetime: iso(request.signedAt).replace(/[:-]|\.\d{3}/g, ""),
    signQuery: true,
    allHeaders: true,
  }).sign();
  return signed.url.href;
}
