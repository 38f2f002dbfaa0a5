/** Rules of the catalogue of skills: spellings of two vocabularies, digests, and what may be published. Pure. */

export const MAX_CONTENT_BYTES = 5 * 1024 * 1024;

/** How wide a skill is meant to reach. */
export const SKILL_SCOPES = ["org", "team", "project", "personal"] as const;
export type SkillScope = (typeof SKILL_SCOPES)[number];

/** What a skill goes through. */
export const SKILL_STAGES = ["draft", "review", "published", "deprecated"] as const;
export type SkillStage = (typeof SKILL_STAGES)[number];

/** What of it clients have words for. */
export const SKILL_STATUSES = ["draft", "published", "deprecated"] as const;
export type SkillStatus = (typeof SKILL_STATUSES)[number];

export const PROMOTION_STATUSES = ["proposed", "approved", "rejected"] as const;

/** A skill in review is a draft to whom does not know of reviews. */
export const statusOf = (stage: SkillStage): SkillStatus => (stage === "review" ? "draft" : stage);

const SHA256 = /^(?:sha256:)?([0-9a-f]{64})$/i;

/** The SHA-256 that a digest is, lower-case hexadecimal; null when it is another kind of digest. */
export const sha256Of = (digest: string): string | null => SHA256.exec(digest.trim())?.[1]?.toLowerCase() ?? null;

/** One spelling for each digest, so that two of the same are found out. */
export const digestKeyOf = (digest: string): string => sha256Of(digest) ?? digest.trim();

/** Where a content lies in the file store. */
export const contentKeyOf = (sha256: string): string => `governance/skills/${sha256}`;

/** When a skill counts as published: as told, else the first time stays, else now. */
export function publishedAtAfter(stage: SkillStage, told: number | null | undefined, before: number | null, nowMs: number): number | null {
  if (told !== undefined) return told;
  return stage === "published" ? (before ?? nowMs) : before;
}
