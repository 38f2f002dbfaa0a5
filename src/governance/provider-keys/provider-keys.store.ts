import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceProviderKeys } from "../../schema/governance-budgets";
import type { Provider } from "./provider-keys.core";

/** When each configured provider's key was set, ms. */
export async function listProviderKeyTimes(ctx: Ctx): Promise<ReadonlyMap<Provider, number>> {
  const rows = await ctx.db.select({ provider: governanceProviderKeys.provider, updatedAt: governanceProviderKeys.updatedAt }).from(governanceProviderKeys);
  return new Map(rows.map(({ provider, updatedAt }) => [provider, updatedAt]));
}

/** The sealed key; null when there is none. */
export async function findSealedProviderKey(ctx: Ctx, provider: Provider): Promise<string | null> {
  const [row] = await ctx.db.select({ sealedKey: governanceProviderKeys.sealedKey }).from(governanceProviderKeys).where(eq(governanceProviderKeys.provider, provider)).limit(1);
  return row?.sealedKey ?? null;
}

export const upsertProviderKey = (ctx: Ctx, provider: Provider, sealedKey: string, now: number) =>
  ctx.db
    .insert(governanceProviderKeys)
    .values({ provider, sealedKey, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: governanceProviderKeys.provider, set: { sealedKey, updatedAt: now, version: sql`${governanceProviderKeys.version} + 1` } });

export const deleteProviderKeyRow = (ctx: Ctx, provider: Provider) => ctx.db.delete(governanceProviderKeys).where(eq(governanceProviderKeys.provider, provider));
