/** The catalogue in words, and grants as they are sent back. */
import type { components } from "../../../../clients/governance.gen";
import type { Tone } from "../../admin/tone";
import type { Grant, McpServer, SkillBundle, Source, SourceItem } from "../governance.types";

export const asGrantRequests = (grants: readonly Grant[]): components["schemas"]["GrantRequest"][] =>
  grants.map(({ scope, subjectType, subjectId, subjectName, access, priority, note }) => ({ scope, subjectType, subjectId, subjectName, access, priority, ...(note === undefined ? {} : { note }) }));

export const SERVER_TONE: Record<McpServer["status"], Tone> = { active: "ok", degraded: "warn", draft: "quiet" };
export const STAGE_TONE: Record<SkillBundle["stage"], Tone> = { published: "ok", review: "info", draft: "quiet", deprecated: "warn" };
export const SCAN_TONE: Record<SkillBundle["scanStatus"], Tone> = { passed: "ok", pending: "info", failed: "bad" };
export const SYNC_TONE: Record<Source["syncStatus"], Tone> = { healthy: "ok", syncing: "info", error: "bad", "pending-approval": "warn" };
export const ITEM_TONE: Record<SourceItem["status"], Tone> = { discovered: "info", approved: "ok", rejected: "quiet", gone: "quiet" };

/** Why a skill cannot be published now; null when it can. */
export function whyNotPublished({ contentStored, scanStatus }: Pick<SkillBundle, "contentStored" | "scanStatus">): string | null {
  if (!contentStored) return "Its content is not stored yet.";
  if (scanStatus === "failed") return "Its scan failed.";
  return scanStatus === "pending" ? "It has to be scanned first." : null;
}

/** "allowed for group eng" */
export const describeGrant = ({ access, subjectType, subjectName, subjectId, priority }: Pick<Grant, "access" | "subjectType" | "subjectName" | "subjectId" | "priority">): string =>
  `${access === "allow" ? "allowed for" : "denied to"} ${subjectType} ${subjectName || subjectId}${priority === 0 ? "" : `, priority ${priority}`}`;

/** "sha256:1f3a…" of a digest, short enough for a row. */
export const shortDigest = (digest: string): string => (digest.length > 20 ? `${digest.slice(0, 15)}…` : digest);
