import { operation } from "../../kernel/operation";
import { readBodyBytes, readJsonBody } from "../../kernel/http/read-body";
import { parseInput } from "../../kernel/http/validate";
import { backfillBundles } from "./backfill-bundles";
import { createBundle } from "./create-bundle";
import { deleteBundle } from "./delete-bundle";
import { putBundleContent, type SentContent } from "./put-content";
import { scanBundle } from "./scan-bundle";
import { MAX_CONTENT_BYTES } from "./skill-bundles.core";
import { getBundle, getContent, listBundles, type DeliveredContent } from "./skill-bundles.queries";
import {
  BackfillView,
  BundleListView,
  BundleRef,
  BundleView,
  ContentBody,
  ContentQuery,
  ContentRef,
  CreateBundleBody,
  CreatedBundleView,
  DeletedBundleView,
  ScanView,
  StoredContentView,
  UpdateBundleBody,
  UpdatedBundleView,
} from "./skill-bundles.schemas";
import { updateBundle } from "./update-bundle";

const TAG = "Skills";
const CATALOG = "/api/v1/skills/catalog";
/** A content as base64 within JSON. */
const MAX_JSON_BYTES = 7 * 1024 * 1024 + 256 * 1024;

/** Reads a content as it was sent: JSON that holds it, or the bytes themselves. */
async function readContent(request: Request): Promise<SentContent> {
  const isJson = (request.headers.get("content-type") ?? "").toLowerCase().startsWith("application/json");
  if (!isJson) return { kind: "bytes", bytes: await readBodyBytes(request, MAX_CONTENT_BYTES) };
  return { kind: "text", text: parseInput(ContentBody, await readJsonBody(request, MAX_JSON_BYTES), "body").content };
}

/** A skill is read, never run: no sniffing, no page in a browser, no cache. Header values are Latin letters only, so others are percent-encoded. */
const contentResponse = ({ name, sha256, contentType, bytes }: DeliveredContent): Response =>
  new Response(bytes, {
    headers: {
      "content-type": contentType,
      "content-disposition": "attachment",
      "x-skill-name": /^[\x20-\x7e]*$/.test(name) ? name : encodeURIComponent(name),
      "x-skill-digest": `sha256:${sha256}`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, no-store",
    },
  });

export const operations = [
  operation({
    id: "governance.skill-bundles.list",
    method: "get",
    path: CATALOG,
    tag: TAG,
    summary: "All skills, newest first",
    auth: ["operator"],
    limit: "read",
    output: BundleListView,
  }).handle((_input, ctx) => listBundles(ctx)),
  operation({
    id: "governance.skill-bundles.create",
    method: "post",
    path: CATALOG,
    tag: TAG,
    summary: "Put a version of a skill into the catalogue",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.create",
    errors: [409, 422],
    maxBodyBytes: MAX_JSON_BYTES,
    body: CreateBundleBody,
    output: CreatedBundleView,
    status: 201,
  }).handle(({ body }, ctx) => createBundle(ctx, body)),
  operation({
    id: "governance.skill-bundles.backfill",
    method: "post",
    path: `${CATALOG}/backfill`,
    tag: TAG,
    summary: "Fetch and store contents of published skills that are not stored",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.backfill",
    errors: [409],
    output: BackfillView,
  }).handle((_input, ctx) => backfillBundles(ctx)),
  operation({
    id: "governance.skill-bundles.get",
    method: "get",
    path: `${CATALOG}/{id}`,
    tag: TAG,
    summary: "One skill",
    auth: ["operator"],
    limit: "read",
    params: BundleRef,
    output: BundleView,
  }).handle(({ params }, ctx) => getBundle(ctx, params)),
  operation({
    id: "governance.skill-bundles.update",
    method: "put",
    path: `${CATALOG}/{id}`,
    tag: TAG,
    summary: "Change a skill; its grants and promotions are replaced",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.update",
    errors: [409, 422],
    maxBodyBytes: 1024 * 1024,
    params: BundleRef,
    body: UpdateBundleBody,
    output: UpdatedBundleView,
  }).handle(({ params, body }, ctx) => updateBundle(ctx, params, body)),
  operation({
    id: "governance.skill-bundles.delete",
    method: "delete",
    path: `${CATALOG}/{id}`,
    tag: TAG,
    summary: "Take a skill out of the catalogue, with its grants",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.delete",
    params: BundleRef,
    output: DeletedBundleView,
  }).handle(({ params }, ctx) => deleteBundle(ctx, params)),
  operation({
    id: "governance.skill-bundles.putContent",
    method: "put",
    path: `${CATALOG}/{id}/content`,
    tag: TAG,
    summary: "Store the content of a skill: its bytes, or JSON with them as text or base64; they must have its digest",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.store_content",
    errors: [400, 413],
    params: BundleRef,
    output: StoredContentView,
  }).handle(({ params, request }, ctx) => putBundleContent(ctx, params, () => readContent(request))),
  operation({
    id: "governance.skill-bundles.scan",
    method: "post",
    path: `${CATALOG}/{id}/scan`,
    tag: TAG,
    summary: "Judge the stored content of a skill; it must pass before it is published",
    auth: ["operator"],
    limit: "write",
    audit: "skill_bundle.scan_pass",
    errors: [409, 502],
    params: BundleRef,
    output: ScanView,
  }).handle(({ params }, ctx) => scanBundle(ctx, params)),
  operation({
    id: "governance.skill-bundles.getContent",
    method: "get",
    path: "/api/v1/bundles/{digest}/content",
    tag: TAG,
    summary: "The content of a digest, for a tenant that is entitled to it",
    auth: ["tenant", "operator"],
    limit: "read",
    errors: [422, 502],
    params: ContentRef,
    query: ContentQuery,
    produces: "application/octet-stream",
  }).handle(async ({ params, query }, ctx) => contentResponse(await getContent(ctx, params, query))),
];
