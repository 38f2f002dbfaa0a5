import { z } from "zod";
import { iso, utcIso } from "../../kernel/clock";
import { GrantBody, GrantView, MAX_GRANTS, toGrantView, type Grant } from "../grants";
import { PROMOTION_STATUSES, SKILL_SCOPES, SKILL_STAGES, SKILL_STATUSES, statusOf } from "./skill-bundles.core";
import type { ListedBundle, Promotion } from "./skill-bundles.store";
import { SEVERITIES } from "./skill-scan.core";

const MAX_PROMOTIONS = 100;

/** A scope as both vocabularies spell it. */
export const SkillScopeInput = z.preprocess((scope) => (scope === "department" ? "team" : scope), z.enum(SKILL_SCOPES));

const Name = z.string().trim().min(1).max(200);
const Version = z.string().trim().min(1).max(128);
const Digest = z.string().trim().min(1).max(255);
const Description = z.string().trim().max(2_000);
const Tags = z.array(z.string().trim().min(1).max(64)).max(50);
const SourceId = z.string().trim().min(1).max(64);
const Time = z.iso.datetime({ offset: true }).max(40).refine((text) => utcIso(text) !== null, "Must be a time of a year with four digits");
const ContentUrl = z.string().trim().min(1).max(2_048);

const PromotionBody = z.object({
  fromScope: SkillScopeInput,
  toScope: SkillScopeInput,
  promotedBy: z.string().trim().min(1).max(255),
  status: z.enum(PROMOTION_STATUSES).default("proposed"),
  notes: z.string().trim().max(2_000).optional(),
});

const lists = { grants: z.array(GrantBody).max(MAX_GRANTS).default([]), promotions: z.array(PromotionBody).max(MAX_PROMOTIONS).default([]) };

export const CreateBundleBody = z
  .object({
    name: Name,
    version: Version,
    digest: Digest,
    scope: SkillScopeInput.default("org"),
    description: Description.nullish(),
    status: z.enum(SKILL_STAGES).default("draft"),
    tags: Tags.default([]),
    sourceId: SourceId.nullish(),
    publishedAt: Time.nullish(),
    content: z.string().max(7_000_000).optional().meta({ description: "The content itself, as text or base64; whichever has the digest." }),
    contentUrl: ContentUrl.nullish().meta({ description: "Where the content can be fetched while it is not stored." }),
    ...lists,
  })
  .meta({ id: "CreateSkillBundleRequest" });

/** What is absent stays, except grants and promotions: they are always replaced, so that absent means none. */
export const UpdateBundleBody = z
  .object({
    name: Name.optional(),
    version: Version.optional(),
    digest: Digest.optional(),
    scope: SkillScopeInput.optional(),
    description: Description.nullish(),
    status: z.enum(SKILL_STAGES).optional(),
    tags: Tags.optional(),
    sourceId: SourceId.nullish(),
    publishedAt: Time.nullish(),
    contentUrl: ContentUrl.nullish(),
    ...lists,
  })
  .meta({ id: "UpdateSkillBundleRequest" });

export const BundleRef = z.object({ id: z.string().min(1).max(64) });

const PromotionView = z
  .object({
    id: z.string(),
    fromScope: z.enum(SKILL_SCOPES),
    toScope: z.enum(SKILL_SCOPES),
    promotedBy: z.string(),
    status: z.enum(PROMOTION_STATUSES),
    notes: z.string().optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "SkillPromotion" });

export const BundleView = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    version: z.string(),
    digest: z.string(),
    scope: z.enum(SKILL_SCOPES),
    status: z.enum(SKILL_STATUSES),
    stage: z.enum(SKILL_STAGES).meta({ description: "As `status`, and tells a review from a draft." }),
    tags: z.array(z.string()),
    sourceId: z.string().optional(),
    sourceName: z.string().optional(),
    contentUrl: z.string().optional(),
    contentStored: z.boolean(),
    scanStatus: z.enum(["pending", "passed", "failed"]),
    publishedAt: z.iso.datetime().optional(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    grants: z.array(GrantView),
    promotions: z.array(PromotionView),
  })
  .meta({ id: "SkillBundle" });

export const BundleListView = z.array(BundleView).meta({ id: "SkillBundleList" });
export const CreatedBundleView = z.object({ id: z.string(), status: z.literal("created") }).meta({ id: "CreatedSkillBundle" });
export const UpdatedBundleView = z.object({ id: z.string(), status: z.literal("updated") }).meta({ id: "UpdatedSkillBundle" });
export const DeletedBundleView = z.object({ id: z.string(), status: z.literal("deleted") }).meta({ id: "DeletedSkillBundle" });

/** JSON in place of the bytes themselves. */
export const ContentBody = z.object({ content: z.string().max(7_000_000) });

export const StoredContentView = z
  .object({ id: z.string(), digest: z.string(), sizeBytes: z.int(), contentType: z.string(), stored: z.literal(true) })
  .meta({ id: "StoredSkillContent" });

export const ScanView = z
  .object({
    id: z.string(),
    scanStatus: z.enum(["passed", "failed"]),
    passed: z.boolean(),
    scanner: z.string(),
    digest: z.string(),
    findings: z.array(z.object({ id: z.string(), description: z.string(), severity: z.enum(SEVERITIES), location: z.string() })),
    reason: z.string().optional(),
  })
  .meta({ id: "SkillScan" });

export const BackfillView = z
  .object({
    total: z.int(),
    pushed: z.int(),
    skipped: z.int(),
    failed: z.int(),
    results: z.array(z.object({ id: z.string(), name: z.string(), digest: z.string(), outcome: z.enum(["pushed", "skipped", "failed"]), reason: z.string().optional() })),
    continues: z.boolean().meta({ description: "Whether there are more, which follow in the background." }),
  })
  .meta({ id: "SkillBackfill" });

export const ContentRef = z.object({ digest: z.string().min(1).max(255) });
export const ContentQuery = z.object({ tenantName: z.string().min(1).max(255) });

export const toBundleView = ({ bundle, sourceName, contentState, scanStatus }: ListedBundle, grants: readonly Grant[], promotions: readonly Promotion[]): z.input<typeof BundleView> => ({
  id: bundle.id,
  name: bundle.name,
  description: bundle.description,
  version: bundle.release,
  digest: bundle.digest,
  scope: bundle.scope,
  status: statusOf(bundle.status),
  stage: bundle.status,
  tags: [...bundle.tags],
  ...(bundle.sourceId === null ? {} : { sourceId: bundle.sourceId }),
  ...(sourceName === null ? {} : { sourceName }),
  ...(bundle.contentUrl === null ? {} : { contentUrl: bundle.contentUrl }),
  contentStored: contentState === "stored",
  scanStatus: scanStatus ?? "pending",
  ...(bundle.publishedAt === null ? {} : { publishedAt: iso(bundle.publishedAt) }),
  createdAt: iso(bundle.createdAt),
  updatedAt: iso(bundle.updatedAt),
  grants: grants.map(toGrantView),
  promotions: promotions.map(({ id, fromScope, toScope, promotedBy, status, notes, createdAt }) => ({ id, fromScope, toScope, promotedBy, status, ...(notes === null ? {} : { notes }), createdAt: iso(createdAt) })),
});
