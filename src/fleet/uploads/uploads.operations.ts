import { operation } from "../../kernel/operation";
import type { StoredFile } from "../../kernel/ports/services";
import { issueDeleteUrl } from "./issue-delete-url";
import { issueDocumentUrl } from "./issue-document-url";
import { issueUploadUrl } from "./issue-upload-url";
import { removeFile } from "./remove-file";
import { storeFile } from "./store-file";
import { getFile } from "./uploads.queries";
import { DeleteUrlBody, DeleteUrlView, DocumentUrlBody, DocumentUrlView, FileAccessQuery, FileRef, FileUploadQuery, StoredFileView, UploadUrlQuery, UploadUrlView } from "./uploads.schemas";

const TAG = "upload";
const FILE = "/files/verifications/{user_id}/{name}";

const keyOf = (params: { user_id: string; name: string }): string => `verifications/${params.user_id}/${params.name}`;

/** People's uploads are saved, never shown: no sniffing, no scripts, no cache, no referrer. */
const fileResponse = (file: StoredFile & { readonly downloadName: string }): Response =>
  new Response(file.body, {
    headers: {
      "content-type": file.contentType,
      "content-length": String(file.sizeBytes),
      "content-disposition": `attachment; filename="${file.downloadName}"`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
    },
  });

export const operations = [
  operation({
    id: "fleet.uploads.issueUploadUrl",
    method: "get",
    path: "/api/v1/upload-url",
    tag: TAG,
    summary: "A signed address to upload a document to; it lives for 15 minutes",
    auth: ["user"],
    limit: "write",
    query: UploadUrlQuery,
    output: UploadUrlView,
  }).handle(({ query }, ctx) => issueUploadUrl(ctx, query)),
  operation({
    id: "fleet.uploads.issueDeleteUrl",
    method: "post",
    path: "/api/v1/upload/delete-presigned-url",
    tag: TAG,
    summary: "Signed addresses to remove or replace one of the caller's own documents",
    auth: ["user"],
    limit: "write",
    audit: "document.release",
    body: DeleteUrlBody,
    output: DeleteUrlView,
  }).handle(({ body }, ctx) => issueDeleteUrl(ctx, body)),
  operation({
    id: "fleet.uploads.issueDocumentUrl",
    method: "post",
    path: "/api/v1/admin/verification-document-url",
    tag: TAG,
    summary: "A signed address under which an administrator reads a document",
    auth: ["admin"],
    limit: "write",
    audit: "document.open",
    body: DocumentUrlBody,
    output: DocumentUrlView,
  }).handle(({ body }, ctx) => issueDocumentUrl(ctx, body)),
  operation({
    id: "fleet.uploads.store",
    method: "put",
    path: FILE,
    tag: TAG,
    summary: "Upload to a signed address: the signed type, at most the signed size",
    auth: ["none"],
    limit: "public",
    audit: "file.store",
    params: FileRef,
    query: FileUploadQuery,
    output: StoredFileView,
  }).handle(({ params, query, request }, ctx) =>
    storeFile(ctx, { key: keyOf(params), grant: query, contentType: request.headers.get("content-type"), contentLength: request.headers.get("content-length"), body: request.body }),
  ),
  operation({
    id: "fleet.uploads.get",
    method: "get",
    path: FILE,
    tag: TAG,
    summary: "Read from a signed address",
    auth: ["none"],
    limit: "public",
    params: FileRef,
    query: FileAccessQuery,
    produces: "application/octet-stream",
  }).handle(async ({ params, query }, ctx) => fileResponse(await getFile(ctx, keyOf(params), query))),
  operation({
    id: "fleet.uploads.remove",
    method: "delete",
    path: FILE,
    tag: TAG,
    summary: "Remove with a signed address; repeating it is harmless",
    auth: ["none"],
    limit: "public",
    audit: "file.remove",
    params: FileRef,
    query: FileAccessQuery,
    status: 204,
  }).handle(({ params, query }, ctx) => removeFile(ctx, keyOf(params), query)),
];
