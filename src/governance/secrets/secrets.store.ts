import { and, asc, eq, inArray } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { chunked } from "../../kernel/db/chunked";
import { governanceSecrets } from "../../schema/governance-mcp";

type Secret = typeof governanceSecrets.$inferSelect;
/** All of a secret that is no secret. */
export type SecretTimes = Omit<Secret, "sealedValue">;

const open = {
  name: governanceSecrets.name,
  createdAt: governanceSecrets.createdAt,
  updatedAt: governanceSecrets.updatedAt,
  version: governanceSecrets.version,
};

/** Names and times of all, by name. */
export const listSecretRows = (ctx: Ctx): Promise<SecretTimes[]> => ctx.db.select(open).from(governanceSecrets).orderBy(asc(governanceSecrets.name));

export async function findSecretTimes(ctx: Ctx, name: string): Promise<SecretTimes | null> {
  const [row] = await ctx.db.select(open).from(governanceSecrets).where(eq(governanceSecrets.name, name));
  return row ?? null;
}

export async function findSealedValue(ctx: Ctx, name: string): Promise<string | null> {
  const [row] = await ctx.db.select({ sealedValue: governanceSecrets.sealedValue }).from(governanceSecrets).where(eq(governanceSecrets.name, name));
  return row?.sealedValue ?? null;
}

/** Which of these names have a secret. */
export async function findKnownNames(ctx: Ctx, names: readonly string[]): Promise<ReadonlySet<string>> {
  const lists = await Promise.all(chunked([...new Set(names)]).map((some) => ctx.db.select({ name: governanceSecrets.name }).from(governanceSecrets).where(inArray(governanceSecrets.name, some))));
  return new Set(lists.flat().map(({ name }) => name));
}

export const insertSecret = (ctx: Ctx, secret: typeof governanceSecrets.$inferInsert) => ctx.db.insert(governanceSecrets).values(secret);

/** Updates the secret as it was read, or hits no row. */
export const updateSecretRow = (ctx: Ctx, { name, version }: SecretTimes, change: { readonly sealedValue: string; readonly updatedAt: number }) =>
  ctx.db
    .update(governanceSecrets)
    .set({ ...change, version: version + 1 })
    .where(and(eq(governanceSecrets.name, name), eq(governanceSecrets.version, version)));

/** Deletes the secret as it was read, or hits no row. */
export const deleteSecretRow = (ctx: Ctx, { name, version }: SecretTimes) => ctx.db.delete(governanceSecrets).where(and(eq(governanceSecrets.name, name), eq(governanceSecrets.version, version)));
