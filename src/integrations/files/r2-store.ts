import type { FileStore } from "../../kernel/ports/services";
import { streamExactly } from "./exact-length";

/** A binding does not tell its bucket's name; `s3://` addresses name this one. */
const BUCKET = "sett-files";
const LIST_MAX = 1_000;
const UNKNOWN_TYPE = "application/octet-stream";

/** Files in the R2 binding. It has no address of its own, so clients come through the worker. */
export function createR2Store(bucket: R2Bucket): FileStore {
  return {
    bucket: BUCKET,
    endpoint: null,
    presign: null,
    async put(key, body, { contentType, sizeBytes }) {
      await streamExactly(body, sizeBytes, (stream) => bucket.put(key, stream, { httpMetadata: { contentType } }));
    },
    async get(key) {
      const object = await bucket.get(key);
      return object && { body: object.body, contentType: object.httpMetadata?.contentType ?? UNKNOWN_TYPE, sizeBytes: object.size };
    },
    delete: (key) => bucket.delete(key),
    list: async (prefix) => (await bucket.list({ prefix, limit: LIST_MAX })).objects.map(({ key }) => key),
  };
}
