import { and, asc, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { Gate } from "../../kernel/gates/gates";
import { featureGates } from "../../schema/kernel";

/** Gates are the same for every tenant. */

export const selectGates = (ctx: Ctx): Promise<Gate[]> => ctx.db.select().from(featureGates).orderBy(asc(featureGates.key)).limit(500);

export async function findGate(ctx: Ctx, key: string): Promise<Gate | undefined> {
  return (await ctx.db.select().from(featureGates).where(eq(featureGates.key, key)).limit(1))[0];
}

type Setting = Pick<Gate, "enabled" | "percentage" | "allowedAccounts" | "note">;

/** Fails on `feature_gates.key` when somebody else was faster. */
export const insertGate = (ctx: Ctx, key: string, setting: Setting, nowMs: number) => ctx.db.insert(featureGates).values({ key, ...setting, createdAt: nowMs, updatedAt: nowMs });

const asRead = (gate: Gate) => and(eq(featureGates.key, gate.key), eq(featureGates.version, gate.version), eq(featureGates.createdAt, gate.createdAt));

/** For guarded use: misses when the gate changed since it was read. */
export const updateGate = (ctx: Ctx, gate: Gate, setting: Setting, nowMs: number) =>
  ctx.db
    .update(featureGates)
    .set({ ...setting, updatedAt: nowMs, version: gate.version + 1 })
    .where(asRead(gate));

/** For guarded use, like {@link updateGate}. */
export const deleteGateRow = (ctx: Ctx, gate: Gate) => ctx.db.delete(featureGates).where(asRead(gate));
