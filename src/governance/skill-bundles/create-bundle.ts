import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { readOutsideUrl } from "../../kernel/http/outside-url";
import { newId } from "../../kernel/ids/ids";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { replaceGrants } from "../grants";
import { digestKeyOf, sha256Of } from "./skill-bundles.core";
import type { CreateBundleBody, CreatedBundleView } from "./skill-bundles.schemas";
import { BUNDLE_UNIQUE, insertBundle, isSource, replacePromotions } from "./skill-bundles.store";
import { digestMismatch, readInlineContent, requireStore, storeContent, type SkillContent } from "./skill-content";

type Body = z.output<typeof CreateBundleBody>;

/** Puts a skill into the catalogue, with its content when that came along. @throws SCAN_REQUIRED (published at once), CONFLICT (that name, version and digest is there) */
export async function createBundle(ctx: Ctx, body: Body): Promise<z.input<typeof CreatedBundleView>> {
  if (body.status === "published") throw scanRequired();
  requireContentUrl(ctx, body.contentUrl);
  if (body.sourceId && !(await isSource(ctx, body.sourceId))) throw unknownSource();
  const plan = new Plan(ctx);
  if (body.content !== undefined) await storeContent(ctx, plan, await readContent(ctx, body.content, body.digest));
  const id = addBundle(ctx, plan, { ...body, publishedAt: body.publishedAt ? Date.parse(body.publishedAt) : null });
  replaceGrants(ctx, plan, "skill-bundle", id, body.grants);
  replacePromotions(ctx, plan, id, body.promotions);
  contractsChanged(plan, "all");
  try {
    await plan.commit();
  } catch (error) {
    throw nameTaken(error);
  }
  return { id, status: "created" };
}

/** What a skill is made of. */
export interface NewSkill extends Pick<Body, "name" | "version" | "digest" | "scope" | "status" | "tags"> {
  readonly description?: string | null | undefined;
  readonly sourceId?: string | null | undefined;
  readonly contentUrl?: string | null | undefined;
  readonly publishedAt?: number | null;
}

/** Adds a skill and its audit row to the plan. @returns its id */
export function addBundle(ctx: Ctx, plan: Plan, skill: NewSkill): string {
  const now = ctx.clock.now();
  const id = newId("skl", now);
  const { name, digest, scope, status, tags } = skill;
  plan
    .write(
      insertBundle(ctx, {
        id,
        name,
        description: skill.description ?? "",
        release: skill.version,
        digest,
        digestKey: digestKeyOf(digest),
        scope,
        status,
        tags,
        sourceId: skill.sourceId || null,
        contentUrl: skill.contentUrl || null,
        publishedAt: skill.publishedAt ?? null,
        createdAt: now,
        updatedAt: now,
      }),
    )
    .audit(governed({ action: "skill_bundle.create", kind: "SkillBundle", key: id, after: { name, version: skill.version, digest, scope, status } }));
  return id;
}

async function readContent(ctx: Ctx, text: string, digest: string): Promise<SkillContent> {
  requireStore(ctx);
  const wanted = sha256Of(digest);
  if (wanted === null) throw digestMismatch();
  return readInlineContent(text, wanted);
}

export const scanRequired = (): AppError => refusal("SCAN_REQUIRED", "A skill is published after a scan of its stored content has passed.");
export const unknownSource = (): AppError => invalidField(["body", "sourceId"], "There is no such source");

/** @throws VALIDATION_ERROR for an address that is not asked */
export function requireContentUrl(ctx: Ctx, contentUrl: string | null | undefined): void {
  if (contentUrl && !readOutsideUrl(contentUrl, ctx.config.environment === "local")) throw invalidField(["body", "contentUrl"], "Not an https address of a public host");
}

/** What a failed commit means to the caller. */
export const nameTaken = (error: unknown): unknown => (isUniqueViolation(error, BUNDLE_UNIQUE) ? new AppError("CONFLICT", "This version of this skill with this digest is in the catalogue already.") : error);
