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
  /** Whose records these are, where not the fleet's; a realm's trail shows its own only. */
  readonly realm?: AuditRealm;
  /** What happened elsewhere and is written down here later: who did it, and a key under which a repeat is not written again. */
  readonly reported?: ReportedAct;
}

/** A part of the product with a trail of its own, and what its rows are filtered by. */
export interface AuditRealm {
  readonly name: string;
  readonly scope: string | null;
}

/** The circumstances of an act as whoever did it saw them. Times in ms. */
export interface ReportedAct {
  readonly source: string;
  readonly actorType: string;
  readonly actorId: string | null;
  readonly requestId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly at: number;
}

/** The circumstances of what `ctx` does, to be reported later. */
export function describeAct(ctx: Ctx, source: string): ReportedAct {
  return { source, actorType: ctx.actor.type, actorId: actorId(ctx.actor), requestId: ctx.requestId, ip: ctx.client.ip, userAgent: ctx.client.userAgent, at: ctx.clock.now() };
}

export function auditRow(ctx: Ctx, entry: AuditEntry): BatchItem<"sqlite"> & SQLWrapper {
  const { realm, reported } = entry;
  const act = reported ?? describeAct(ctx, "");
  const row = ctx.db.insert(auditLog).values({
    tenantId: entry.tenantId === undefined ? actorTenant(ctx.actor) : entry.tenantId,
    action: entry.action,
    actorType: act.actorType,
    actorId: act.actorId,
    subjectType: entry.subject?.type ?? null,
    subjectId: entry.subject === undefined ? null : String(entry.subject.id),
    detail: { ...entry.detail },
    requestId: act.requestId,
    ip: act.ip,
    userAgent: act.userAgent,
    createdAt: act.at,
    realm: realm?.name ?? null,
    scope: realm?.scope ?? null,
    source: reported?.source ?? null,
  });
  return reported ? row.onConflictDoNothing({ target: auditLog.source }) : row;
}
