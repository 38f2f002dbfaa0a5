import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { compileGrants, listAllGrants, listGrantsOf } from "../grants";
import { isOnAllowlist } from "../skill-allowlist.core";
import { sha256Of } from "./skill-bundles.core";
import { toBundleView, type BundleListView, type BundleRef, type BundleView, type ContentQuery, type ContentRef } from "./skill-bundles.schemas";
import { findBundle, findContent, listBundles as listBundleRows, findSkillAllowlist, listBundlesOfDigest, type ListedBundle } from "./skill-bundles.store";
import { loadContent } from "./skill-content";

/** Skills of one content; more of them differ in name only. */
const MAX_SAME_CONTENT = 100;

/** The whole catalogue, newest first. */
export async function listBundles(ctx: Ctx): Promise<z.input<typeof BundleListView>> {
  const [{ rows, promotions }, grants] = await Promise.all([listBundleRows(ctx), listAllGrants(ctx, "skill-bundle")]);
  return rows.map((row) => toBundleView(row, grants.get(row.bundle.id) ?? [], promotions.get(row.bundle.id) ?? []));
}

/** @throws SKILL_BUNDLE_NOT_FOUND */
export async function getBundle(ctx: Ctx, ref: z.output<typeof BundleRef>): Promise<z.input<typeof BundleView>> {
  const [found, grants] = await Promise.all([findBundle(ctx, ref.id), listGrantsOf(ctx, "skill-bundle", [ref.id])]);
  if (!found) throw refusal("SKILL_BUNDLE_NOT_FOUND", "Skill not found.");
  return toBundleView(found, grants.get(ref.id) ?? [], found.promotions);
}

/** A content as it goes out. */
export interface DeliveredContent {
  readonly name: string;
  readonly sha256: string;
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The content of a digest for a tenant that is entitled to a skill which has it; asked anew each time. Whoever is not entitled learns nothing.
 * @throws NOT_FOUND; SCAN_FAILED when the tenant is entitled but the scan did not pass; UPSTREAM_ERROR when the stored bytes are not what they were
 */
export async function getContent(ctx: Ctx, { digest }: z.output<typeof ContentRef>, { tenantName }: z.output<typeof ContentQuery>): Promise<DeliveredContent> {
  const sha256 = sha256Of(digest);
  const isOther = ctx.actor.type === "tenant" && ctx.actor.tenant !== tenantName;
  if (sha256 === null || isOther) throw notFound("Skill");
  const [rows, decisions, content, allowlist] = await Promise.all([listBundlesOfDigest(ctx, sha256, MAX_SAME_CONTENT), compileGrants(ctx, tenantName), findContent(ctx, sha256), findSkillAllowlist(ctx, tenantName)]);
  const entitled = new Set(decisions["skill-bundle"].filter(({ access }) => access === "allow").map(({ payloadId }) => payloadId));
  const theirs = rows.filter(({ bundle }) => entitled.has(bundle.id) && isOnAllowlist(allowlist, bundle));
  const skill = theirs.find(isDeliverable);
  if (!skill && theirs.some(({ scanStatus }) => scanStatus === "failed")) throw refusal("SCAN_FAILED", "The scan of this skill did not pass.");
  if (!skill || content?.state !== "stored") throw notFound("Skill");
  const bytes = await loadContent(ctx, sha256);
  if (!bytes) throw notFound("Skill");
  return { name: skill.bundle.name, sha256, contentType: content.contentType, bytes };
}

/** Deprecated skills go on for whoever has them. */
const isDeliverable = ({ bundle, scanStatus }: ListedBundle): boolean => scanStatus === "passed" && (bundle.status === "published" || bundle.status === "deprecated");
