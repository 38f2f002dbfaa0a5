import { and, asc, eq, inArray, isNull, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { reconcileFindings } from "../../schema/cloud-vms";

/** SQL of what reconcilers found and administrators are shown. One row per thing; it is kept when the thing is over. */

export type FindingRow = typeof reconcileFindings.$inferSelect;

interface Found {
  readonly kind: string;
  readonly subject: string;
  readonly driver: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The oldest ones that are open about a provider. */
export const listOpenFindings = (ctx: Ctx, driver: string, limit: number): Promise<FindingRow[]> =>
  ctx.db
    .select()
    .from(reconcileFindings)
    .where(and(isNull(reconcileFindings.resolvedAt), eq(reconcileFindings.driver, driver)))
    .orderBy(asc(reconcileFindings.lastSeenAt), asc(reconcileFindings.id))
    .limit(limit);

export async function findFinding(ctx: Ctx, kind: string, subject: string): Promise<FindingRow | null> {
  return (await ctx.db.select().from(reconcileFindings).where(and(eq(reconcileFindings.kind, kind), eq(reconcileFindings.subject, subject))).limit(1))[0] ?? null;
}

/** Opens a finding, opens it again, or says that it is still true. */
export const openFinding = (ctx: Ctx, { kind, subject, driver, detail }: Found, now: number) =>
  ctx.db
    .insert(reconcileFindings)
    .values({ kind, subject, driver, detail, firstSeenAt: now, lastSeenAt: now, resolvedAt: null })
    .onConflictDoUpdate({
      target: [reconcileFindings.kind, reconcileFindings.subject],
      set: { driver, detail, firstSeenAt: sql`CASE WHEN ${reconcileFindings.resolvedAt} IS NULL THEN ${reconcileFindings.firstSeenAt} ELSE excluded.first_seen_at END`, lastSeenAt: now, resolvedAt: null },
    });

/** Remembers something that nobody is shown yet. */
export const noteFinding = (ctx: Ctx, { kind, subject, driver, detail }: Found, now: number) =>
  ctx.db
    .insert(reconcileFindings)
    .values({ kind, subject, driver, detail, firstSeenAt: now, lastSeenAt: now, resolvedAt: now })
    .onConflictDoUpdate({ target: [reconcileFindings.kind, reconcileFindings.subject], set: { driver, detail, lastSeenAt: now, resolvedAt: now } });

/** At most a chunk of them. What was written anew since they were read stays open. */
export const resolveFindings = (ctx: Ctx, read: readonly Pick<FindingRow, "id" | "lastSeenAt">[], now: number) =>
  ctx.db
    .update(reconcileFindings)
    .set({ resolvedAt: now })
    .where(and(inArray(reconcileFindings.id, read.map(({ id }) => id)), isNull(reconcileFindings.resolvedAt), lte(reconcileFindings.lastSeenAt, Math.max(...read.map(({ lastSeenAt }) => lastSeenAt)))));

/** The one of this kind and thing, if it is open. */
export const resolveFinding = (ctx: Ctx, kind: string, subject: string, now: number) =>
  ctx.db
    .update(reconcileFindings)
    .set({ resolvedAt: now })
    .where(and(eq(reconcileFindings.kind, kind), eq(reconcileFindings.subject, subject), isNull(reconcileFindings.resolvedAt)));
