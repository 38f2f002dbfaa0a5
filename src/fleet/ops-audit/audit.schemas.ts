import { z } from "zod";
import { iso } from "../../kernel/clock";
import { redactDeep } from "../../kernel/logging/redact-deep";
import { readActionPrefix } from "./audit.core";
import type { AuditRow } from "./audit.store";

/** A time in ISO 8601, as ms. */
const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Word = z.string().min(1).max(500);

/** A subject is a type and an id, an actor at least an id: halves of them would read the whole log. */
export const SearchAuditQuery = z
  .object({
    actor_type: z.enum(["anonymous", "user", "cliToken", "operator", "member", "tenant", "modelKey", "system"]).optional(),
    actor_id: Word.optional(),
    action: z
      .string()
      .max(100)
      .regex(/^[a-z_]+(\.[a-z_]*)?$/, "A noun, or a noun, a dot and the beginning of a verb")
      .transform(readActionPrefix)
      .optional(),
    subject_type: Word.optional(),
    subject_id: Word.optional(),
    tenant_id: z.coerce.number().int().optional(),
    since: Time.optional(),
    until: Time.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().min(1).max(1_000).optional(),
  })
  .refine((query) => (query.subject_type === undefined) === (query.subject_id === undefined), { path: ["subject_id"], message: "Give subject_type and subject_id together" })
  .refine((query) => query.actor_type === undefined || query.actor_id !== undefined, { path: ["actor_id"], message: "Give actor_id with actor_type" });

export const AuditEntryView = z
  .object({
    id: z.int(),
    created_at: z.iso.datetime(),
    action: z.string(),
    actor_type: z.string(),
    actor_id: z.string().nullable(),
    tenant_id: z.int().nullable(),
    subject_type: z.string().nullable(),
    subject_id: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    request_id: z.string(),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
  })
  .meta({ id: "AuditEntry" });

export const AuditPageView = z.object({ entries: z.array(AuditEntryView), next_cursor: z.string().nullable() }).meta({ id: "AuditPage" });

export const toEntryView = (row: AuditRow): z.input<typeof AuditEntryView> => ({
  id: row.id,
  created_at: iso(row.createdAt),
  action: row.action,
  actor_type: row.actorType,
  actor_id: row.actorId,
  tenant_id: row.tenantId,
  subject_type: row.subjectType,
  subject_id: row.subjectId,
  // What went in was an object, and comes out as one.
  detail: redactDeep(row.detail) as Record<string, unknown>,
  request_id: row.requestId,
  ip: row.ip,
  user_agent: row.userAgent,
});
