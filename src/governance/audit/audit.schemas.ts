import { z } from "zod";
import { iso } from "../../kernel/clock";
import { defaultMessage, wireAction } from "./audit.core";
import type { TrailRow } from "./audit.store";

export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1_000;

/** A limit that is none is the default one, and a larger one the largest: published clients send what they like. */
const Limit = z.coerce.number().int().min(1).catch(LIMIT_DEFAULT).transform((limit) => Math.min(limit, LIMIT_MAX));

export const ListTrailQuery = z.object({
  tenant: z.string().min(1).max(253).optional().meta({ description: "Only what concerns this tenant, also one that is gone" }),
  limit: Limit.default(LIMIT_DEFAULT).meta({ description: `1 to ${LIMIT_MAX}; anything else is ${LIMIT_DEFAULT}` }),
  cursor: z.string().max(1_000).optional().meta({ description: "`nextCursor` of the page before" }),
});

export const TrailEntryView = z
  .object({
    id: z.string(),
    timestamp: z.iso.datetime(),
    tenant: z.string().optional(),
    action: z.string(),
    resource: z.string(),
    message: z.string(),
    actor: z.object({ type: z.string(), id: z.string().nullable() }),
    requestId: z.string(),
    detail: z.record(z.string(), z.unknown()).optional().meta({ description: "What was before and after, as far as it is told" }),
  })
  .meta({ id: "AuditEntry" });

export const TrailPageView = z
  .object({
    data: z.array(TrailEntryView),
    pagination: z.object({ limit: z.int().min(1).max(LIMIT_MAX), nextCursor: z.string().optional(), hasMore: z.boolean() }),
  })
  .meta({ id: "AuditPage" });

export function toTrailEntry(row: TrailRow): z.input<typeof TrailEntryView> {
  const { message, ...detail } = row.detail;
  const [kind, key, word] = [row.subjectType ?? "", row.subjectId ?? "", wireAction(row.action)];
  return {
    id: String(row.id),
    timestamp: iso(row.createdAt),
    ...(row.scope === null ? {} : { tenant: row.scope }),
    action: word,
    resource: `${kind}/${key}`,
    message: typeof message === "string" ? message : defaultMessage(kind, key, word),
    actor: { type: row.actorType, id: row.actorId },
    requestId: row.requestId,
    ...(Object.keys(detail).length > 0 ? { detail } : {}),
  };
}
