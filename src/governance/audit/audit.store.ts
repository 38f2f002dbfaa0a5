import { and, desc, eq, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind } from "../../kernel/db/cursor";
import { auditLog } from "../../schema/kernel";
import { GOVERNANCE_REALM } from "../audit-trail";
import type { TrailCursor } from "./audit.core";

export type TrailRow = typeof auditLog.$inferSelect;

/** Rows of this family's trail, newest first by (time, id), at most `limit`. */
export const selectTrail = (ctx: Pick<Ctx, "db">, tenant: string | undefined, after: TrailCursor | null, limit: number): Promise<TrailRow[]> =>
  ctx.db
    .select()
    .from(auditLog)
    .where(and(eq(auditLog.realm, GOVERNANCE_REALM), tenant === undefined ? undefined : eq(auditLog.scope, tenant), isBehind(after)))
    .orderBy(desc(auditLog.createdAt), desc(auditLog.id))
    .limit(limit);

const isBehind = (after: TrailCursor | null) => {
  if (!after) return undefined;
  return after.id === null ? lt(auditLog.createdAt, after.at) : behind(auditLog.createdAt, auditLog.id, { at: after.at, id: String(after.id) });
};
