import { and, asc, eq, inArray, isNotNull, isNull, lt, lte, notExists, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { instances } from "../../schema/instances";
import { skillContents, skillTransfers } from "../../schema/skills";

/** SQL of skills on their way. Every look-up names the tenant, save those of the sweep. */

export type Transfer = typeof skillTransfers.$inferSelect;
type TransferInsert = typeof skillTransfers.$inferInsert;
export type StoredContent = typeof skillContents.$inferSelect;

/** Whether a machine of the owner may be given something: there and not archived. */
export async function isUsableInstance(ctx: Ctx, tenantId: number, instanceId: string): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: instances.id })
    .from(instances)
    .where(and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId), isNull(instances.archivedAt)))
    .limit(1);
  return rows.length > 0;
}

export async function findTransfer(ctx: Ctx, tenantId: number, id: string): Promise<Transfer | null> {
  return (await ctx.db.select().from(skillTransfers).where(and(eq(skillTransfers.id, id), eq(skillTransfers.tenantId, tenantId))).limit(1))[0] ?? null;
}

/** Whatever its owner: for the sweep. */
export async function findTransferRow(ctx: Ctx, id: string): Promise<Transfer | null> {
  return (await ctx.db.select().from(skillTransfers).where(eq(skillTransfers.id, id)).limit(1))[0] ?? null;
}

export async function findOpenTransfer(ctx: Ctx, tenantId: number, targetInstanceId: string, skillName: string): Promise<Transfer | null> {
  const [row] = await ctx.db
    .select()
    .from(skillTransfers)
    .where(and(eq(skillTransfers.tenantId, tenantId), eq(skillTransfers.targetInstanceId, targetInstanceId), eq(skillTransfers.skillName, skillName), isNotNull(skillTransfers.checkAt)))
    .limit(1);
  return row ?? null;
}

/** Open transfers that wait for this content, oldest first. */
export function listWaitingFor(ctx: Ctx, tenantId: number, digest: string, limit: number): Promise<Transfer[]> {
  return ctx.db
    .select()
    .from(skillTransfers)
    .where(and(eq(skillTransfers.tenantId, tenantId), eq(skillTransfers.digest, digest), eq(skillTransfers.state, "waiting_source")))
    .orderBy(asc(skillTransfers.createdAt))
    .limit(limit);
}

export const insertTransfer = (ctx: Ctx, row: TransferInsert) => ctx.db.insert(skillTransfers).values(row);

/** Guarded by `version`. */
export const updateTransferRow = (ctx: Ctx, transfer: Transfer, changes: Partial<TransferInsert>) =>
  ctx.db
    .update(skillTransfers)
    .set({ ...changes, updatedAt: ctx.clock.now(), version: transfer.version + 1 })
    .where(and(eq(skillTransfers.id, transfer.id), eq(skillTransfers.tenantId, transfer.tenantId), eq(skillTransfers.version, transfer.version)));

/** Open transfers that somebody should look after, longest waiting first. */
export async function listTransfersToCheck(ctx: Ctx, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: skillTransfers.id })
    .from(skillTransfers)
    .where(and(isNotNull(skillTransfers.checkAt), lte(skillTransfers.checkAt, ctx.clock.now())))
    .orderBy(asc(skillTransfers.checkAt))
    .limit(limit);
  return rows.map((row) => row.id);
}

export async function findContent(ctx: Ctx, tenantId: number, digest: string): Promise<StoredContent | null> {
  return (await ctx.db.select().from(skillContents).where(and(eq(skillContents.tenantId, tenantId), eq(skillContents.digest, digest))).limit(1))[0] ?? null;
}

/** The same content again is one row, used anew. */
export const upsertContent = (ctx: Ctx, row: Omit<StoredContent, "createdAt" | "usedAt">, nowMs: number) =>
  ctx.db
    .insert(skillContents)
    .values({ ...row, createdAt: nowMs, usedAt: nowMs })
    .onConflictDoUpdate({ target: [skillContents.tenantId, skillContents.digest], set: { usedAt: nowMs } });

/** A content that is known is wanted again. */
export const touchContent = (ctx: Ctx, tenantId: number, digest: string, nowMs: number) =>
  ctx.db.update(skillContents).set({ usedAt: nowMs }).where(and(eq(skillContents.tenantId, tenantId), eq(skillContents.digest, digest)));

/** The file store does not have it (any more). */
export async function deleteContentRow(ctx: Ctx, tenantId: number, digest: string): Promise<void> {
  await ctx.db.delete(skillContents).where(and(eq(skillContents.tenantId, tenantId), eq(skillContents.digest, digest)));
}

/** Contents that nobody asked for since `before` (ms) and no open transfer waits for, of every owner. */
export function listUnusedContents(ctx: Ctx, before: number, limit: number): Promise<StoredContent[]> {
  const wanted = ctx.db
    .select({ one: sql`1` })
    .from(skillTransfers)
    .where(and(eq(skillTransfers.tenantId, skillContents.tenantId), eq(skillTransfers.digest, skillContents.digest), isNotNull(skillTransfers.checkAt)));
  return ctx.db.select().from(skillContents).where(and(lt(skillContents.usedAt, before), notExists(wanted))).orderBy(asc(skillContents.usedAt)).limit(limit);
}

/** Transfers that were over before `before` (ms), of every owner. */
export async function forgetTransferRows(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(skillTransfers).where(and(isNull(skillTransfers.checkAt), inArray(skillTransfers.state, ["installed", "failed", "expired"]), lt(skillTransfers.updatedAt, before)));
}
