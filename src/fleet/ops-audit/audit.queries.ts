import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { pageOf, readCursor, type Cursor } from "../../kernel/db/cursor";
import { toEntryView, type AuditPageView, type SearchAuditQuery } from "./audit.schemas";
import { selectActions, selectAudit, type AuditFilter, type AuditRow } from "./audit.store";

/** Whole actions that one search looks up one by one. */
const ACTIONS_MAX = 8;

/** Who did what, newest first. Whatever is written meanwhile, no page skips or repeats an entry. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function searchAudit(ctx: OwnerCtx, query: z.output<typeof SearchAuditQuery>): Promise<z.input<typeof AuditPageView>> {
  const filter = {
    actorType: query.actor_type,
    actorId: query.actor_id,
    action: query.action,
    subjectType: query.subject_type,
    subjectId: query.subject_id,
    tenantId: query.tenant_id,
    since: query.since,
    until: query.until,
  };
  const rows = await findRows(ctx, filter, query.cursor === undefined ? null : readCursor(query.cursor), query.limit + 1);
  const { page, nextCursor } = pageOf(rows, query.limit, (row) => ({ at: row.createdAt, id: String(row.id) }));
  return { entries: page.map(toEntryView), next_cursor: nextCursor };
}

/**
 * The rows of a page. Where only the action narrows the search, the beginning of a verb is first made whole: each action that begins so
 * has its own place in an index, while the noun's would be walked past every other verb. Of too many, the noun's it is.
 */
async function findRows(ctx: OwnerCtx, filter: AuditFilter, after: Cursor | null, limit: number): Promise<readonly AuditRow[]> {
  const { action, ...others } = filter;
  const isNarrow = filter.tenantId !== undefined || filter.actorId !== undefined || filter.subjectId !== undefined;
  if (!action || action.verb === "" || isNarrow) return selectAudit(ctx, filter, after, limit);
  const actions = await selectActions(ctx, action, ACTIONS_MAX + 1);
  if (actions.length > ACTIONS_MAX) return selectAudit(ctx, filter, after, limit);
  const found = await Promise.all(actions.map((one) => selectAudit(ctx, { ...others, exactAction: one.action }, after, limit)));
  return found
    .flat()
    .toSorted((a, b) => b.createdAt - a.createdAt || b.id - a.id)
    .slice(0, limit);
}
