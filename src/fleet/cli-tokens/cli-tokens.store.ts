import { and, desc, eq, isNull, like, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { cliTokenEvents, cliTokens } from "../../schema/accounts";

export type CliToken = typeof cliTokens.$inferSelect;
export type CliTokenEvent = typeof cliTokenEvents.$inferSelect;

const ofOwner = (tenantId: number, id: string) => and(eq(cliTokens.tenantId, tenantId), eq(cliTokens.id, id));

export async function findCliToken(ctx: Ctx, tenantId: number, id: string): Promise<CliToken | undefined> {
  return (await ctx.db.select().from(cliTokens).where(ofOwner(tenantId, id)).limit(1))[0];
}

/** All tokens of an owner, newest first. */
export function listCliTokenRows(ctx: Ctx, tenantId: number): Promise<CliToken[]> {
  return ctx.db.select().from(cliTokens).where(eq(cliTokens.tenantId, tenantId)).orderBy(desc(cliTokens.createdAt), desc(cliTokens.id));
}

/** Names in use (of tokens not revoked) that start with `prefix`, which holds no wildcard. */
export async function listNamesInUse(ctx: Ctx, tenantId: number, prefix: string): Promise<ReadonlySet<string>> {
  const rows = await ctx.db
    .select({ name: cliTokens.name })
    .from(cliTokens)
    .where(and(eq(cliTokens.tenantId, tenantId), isNull(cliTokens.revokedAt), like(cliTokens.name, `${prefix}%`)));
  return new Set(rows.map((row) => row.name));
}

export const insertCliToken = (ctx: Ctx, row: CliToken) => ctx.db.insert(cliTokens).values(row);

type Change = Partial<Pick<CliToken, "revokedAt" | "boundInstanceId" | "boundAt">>;

/** Guarded: misses when the token was bound, unbound, rotated or revoked since it was read. */
export const updateCliToken = (ctx: Ctx, token: CliToken, change: Change, nowMs: number) =>
  ctx.db
    .update(cliTokens)
    .set({ ...change, updatedAt: nowMs, version: token.version + 1 })
    .where(and(ofOwner(token.tenantId, token.id), eq(cliTokens.version, token.version), isNull(cliTokens.revokedAt)));

export function listUnrevokedCliTokens(ctx: Ctx, tenantId: number): Promise<CliToken[]> {
  return ctx.db.select().from(cliTokens).where(and(eq(cliTokens.tenantId, tenantId), isNull(cliTokens.revokedAt)));
}

/** Also those minted since they were listed. */
export const revokeEveryCliToken = (ctx: Ctx, tenantId: number, nowMs: number) =>
  ctx.db
    .update(cliTokens)
    .set({ revokedAt: nowMs, updatedAt: nowMs, version: sql`${cliTokens.version} + 1` })
    .where(and(eq(cliTokens.tenantId, tenantId), isNull(cliTokens.revokedAt)));

/** Counts a use. Leaves `version` alone: uses never compete with changes. */
export const countUse = (ctx: Ctx, token: CliToken, nowMs: number) =>
  ctx.db
    .update(cliTokens)
    .set({ useCount: sql`${cliTokens.useCount} + 1`, lastUsedAt: nowMs, lastUsedIp: ctx.client.ip })
    .where(ofOwner(token.tenantId, token.id));

export interface NewCliTokenEvent {
  readonly type: CliTokenEvent["eventType"];
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly instanceId?: string | null;
}

export const insertCliTokenEvent = (ctx: Ctx, token: { readonly tenantId: number; readonly id: string }, event: NewCliTokenEvent) =>
  ctx.db.insert(cliTokenEvents).values({
    tenantId: token.tenantId,
    tokenId: token.id,
    eventType: event.type,
    eventDetail: { ...event.detail },
    sourceIp: ctx.client.ip,
    userAgent: ctx.client.userAgent,
    instanceId: event.instanceId ?? null,
    occurredAt: ctx.clock.now(),
  });

const eventsOf = (tenantId: number, tokenId: string) => and(eq(cliTokenEvents.tenantId, tenantId), eq(cliTokenEvents.tokenId, tokenId));

/** Newest first. */
export function listCliTokenEvents(ctx: Ctx, tenantId: number, tokenId: string, limit: number): Promise<CliTokenEvent[]> {
  return ctx.db.select().from(cliTokenEvents).where(eventsOf(tenantId, tokenId)).orderBy(desc(cliTokenEvents.occurredAt), desc(cliTokenEvents.id)).limit(limit);
}

/** When this token was last refused on this machine. */
export async function lastDenialAt(ctx: Ctx, tenantId: number, tokenId: string, instanceId: string): Promise<number | null> {
  const [row] = await ctx.db
    .select({ occurredAt: cliTokenEvents.occurredAt })
    .from(cliTokenEvents)
    .where(and(eventsOf(tenantId, tokenId), eq(cliTokenEvents.eventType, "denied"), eq(cliTokenEvents.instanceId, instanceId)))
    .orderBy(desc(cliTokenEvents.occurredAt))
    .limit(1);
  return row?.occurredAt ?? null;
}
