import { and, desc, eq, gte, lt, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind, type Cursor } from "../../kernel/db/cursor";
import { auditLog } from "../../schema/kernel";
import { afterPrefix, type ActionPrefix } from "./audit.core";

export type AuditRow = typeof auditLog.$inferSelect;

export interface AuditFilter {
  readonly actorType?: AuditRow["actorType"] | undefined;
  readonly actorId?: string | undefined;
  readonly action?: ActionPrefix | undefined;
  /** A whole one, instead of its beginning. */
  readonly exactAction?: string | undefined;
  readonly subjectType?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly tenantId?: number | undefined;
  /** ms, inclusive and exclusive */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Of every owner, for administrators: newest first by (time, id). Every filter that is no mere refinement of another has an index in this order. */
export const selectAudit = (ctx: Pick<Ctx, "db">, filter: AuditFilter, after: Cursor | null, limit: number) =>
  ctx.db
    .select()
    .from(auditLog)
    .where(and(matching(filter), behind(auditLog.createdAt, auditLog.id, after)))
    .orderBy(desc(auditLog.createdAt), desc(auditLog.id))
    .limit(limit);

/** Whole actions that begin so, at most `limit`. One look-up each: it steps from action to action along the index. */
export const selectActions = (ctx: Pick<Ctx, "db">, prefix: ActionPrefix, limit: number): Promise<{ action: string }[]> => {
  const from = `${prefix.noun}.${prefix.verb}`;
  return ctx.db.all<{ action: string }>(sql`
    WITH RECURSIVE actions(action) AS (
      SELECT min(action) FROM audit_log WHERE action >= ${from} AND action < ${afterPrefix(from)}
      UNION ALL SELECT (SELECT min(action) FROM audit_log WHERE action > actions.action AND action < ${afterPrefix(from)}) FROM actions WHERE actions.action IS NOT NULL
    )
    SELECT action FROM actions WHERE action IS NOT NULL LIMIT ${limit}`);
};

function matching({ actorType, actorId, action, exactAction, subjectType, subjectId, tenantId, since, until }: AuditFilter): SQL | undefined {
  return and(
    tenantId === undefined ? undefined : eq(auditLog.tenantId, tenantId),
    actorId === undefined ? undefined : eq(auditLog.actorId, actorId),
    // With a sign that keeps it from choosing an index: there are few types of actors.
    actorType === undefined ? undefined : sql`+${auditLog.actorType} = ${actorType}`,
    subjectType === undefined || subjectId === undefined ? undefined : and(eq(auditLog.subjectType, subjectType), eq(auditLog.subjectId, subjectId)),
    exactAction === undefined ? undefined : eq(auditLog.action, exactAction),
    action ? ofAction(action) : undefined,
    since === undefined ? undefined : gte(auditLog.createdAt, since),
    until === undefined ? undefined : lt(auditLog.createdAt, until),
  );
}

function ofAction({ noun, verb }: ActionPrefix): SQL | undefined {
  const from = `${noun}.${verb}`;
  const to = afterPrefix(from);
  return and(eq(auditLog.noun, noun), verb === "" ? undefined : and(gte(auditLog.action, from), to === null ? undefined : lt(auditLog.action, to)));
}
