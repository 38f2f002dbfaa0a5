import type { BatchItem } from "drizzle-orm/batch";
import type { SQL, SQLWrapper } from "drizzle-orm";
import { auditLog } from "../../schema/kernel";
import { actorId, actorTenant } from "../auth/actor";
import type { Ctx } from "../context";

/** Who-changed-what of one verb. `detail` carries ids, names and numbers; never secrets. */
export interface AuditEntry {
  /** Noun and verb, for example `cli_token.revoke`. */
  readonly action: string;
  /** Owner of the data; defaults to the actor's own. A statement where the same batch makes the owner. */
  readonly tenantId?: number | null | SQL<number>;
  readonly subject?: { readonly type: string; readonly id: string | number };
  readonly detail?: Readonly<Record<string, unknown>>;
}

export function auditRow(ctx: Ctx, entry: AuditEntry): BatchItem<"sqlite"> & SQLWrapper {
  return ctx.db.insert(auditLog).values({
    tenantId: entry.tenantId === undefined ? actorTenant(ctx.actor) : entry.tenantId,
    action: entry.action,
    actorType: ctx.actor.type,
    actorId: actorId(ctx.actor),
    subjectType: entry.subject?.type ?? null,
    subjectId: entry.subject === undefined ? null : String(entry.subject.id),
    detail: { ...entry.detail },
    requestId: ctx.requestId,
    ip: ctx.client.ip,
    userAgent: ctx.client.userAgent,
    createdAt: ctx.clock.now(),
  });
}
