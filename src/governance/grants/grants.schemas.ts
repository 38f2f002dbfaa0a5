import { z } from "zod";
import { iso } from "../../kernel/clock";
import { ACCESS, GRANT_SCOPES, SUBJECT_TYPES } from "./grants.core";
import type { Grant } from "./grants.store";

/** Most grants of one payload or group. */
export const MAX_GRANTS = 200;

const Subject = z.string().trim().min(1).max(255);

/** A scope as both vocabularies spell it: `team` is what `department` was called before. */
export const GrantScopeInput = z.preprocess((scope) => (scope === "team" ? "department" : scope), z.enum(GRANT_SCOPES));

const grantFields = {
  scope: GrantScopeInput,
  subjectType: z.enum(SUBJECT_TYPES),
  subjectId: Subject.optional(),
  subjectName: Subject.optional(),
  access: z.enum(ACCESS),
  priority: z.int().min(-1_000_000).max(1_000_000).default(0),
  note: z.string().trim().max(1_000).optional(),
};

/** A grant as clients write it. Of id and name of its subject one will do. What else a grant shows (its own id, times) may come back and is passed over. */
export const GrantBody = z
  .object(grantFields)
  .refine(({ subjectId, subjectName }) => subjectId !== undefined || subjectName !== undefined, { path: ["subjectId"], message: "Name the subject by subjectId or subjectName" })
  .meta({ id: "GrantRequest" });

/** A grant written through a group: about awareness, and to the group itself when it names no subject. */
export const GroupGrantBody = z
  .object({ ...grantFields, subjectType: z.enum(SUBJECT_TYPES).optional(), payloadId: z.string().trim().min(1).max(255).default("awareness/default") })
  .refine(({ subjectType, subjectId, subjectName }) => subjectType === undefined || subjectType === "group" || subjectId !== undefined || subjectName !== undefined, {
    path: ["subjectId"],
    message: "Name the subject by subjectId or subjectName",
  })
  .meta({ id: "GroupGrantRequest" });

/** A grant as clients read it. */
export const GrantView = z
  .object({
    id: z.string(),
    payloadId: z.string(),
    scope: z.enum(GRANT_SCOPES),
    subjectType: z.enum(SUBJECT_TYPES),
    subjectId: z.string(),
    subjectName: z.string(),
    access: z.enum(ACCESS),
    priority: z.int(),
    note: z.string().optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "Grant" });

export const toGrantView = (grant: Grant): z.input<typeof GrantView> => ({
  id: grant.id,
  payloadId: grant.payloadId,
  scope: grant.scope,
  subjectType: grant.subjectType,
  subjectId: grant.subjectId,
  subjectName: grant.subjectName ?? grant.subjectId,
  access: grant.access,
  priority: grant.priority,
  ...(grant.note === null ? {} : { note: grant.note }),
  createdAt: iso(grant.createdAt),
});
