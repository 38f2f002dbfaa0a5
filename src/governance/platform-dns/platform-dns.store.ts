import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceDnsIssuers } from "../../schema/governance-platform";

export type IssuerRow = typeof governanceDnsIssuers.$inferSelect;

export async function findIssuer(ctx: Pick<Ctx, "db">, issuerName: string): Promise<IssuerRow | null> {
  const [row] = await ctx.db.select().from(governanceDnsIssuers).where(eq(governanceDnsIssuers.issuerName, issuerName)).limit(1);
  return row ?? null;
}

/** For guarded use: misses when the issuer is not what it was when it was read. @param before the version that was read; null: there was none */
export const upsertIssuer = (ctx: Pick<Ctx, "db">, row: typeof governanceDnsIssuers.$inferInsert, before: number | null) => {
  const { issuerName: _name, createdAt: _created, ...changes } = row;
  return ctx.db
    .insert(governanceDnsIssuers)
    .values(row)
    .onConflictDoUpdate({ target: governanceDnsIssuers.issuerName, set: { ...changes, version: sql`${governanceDnsIssuers.version} + 1` }, setWhere: sql`${governanceDnsIssuers.version} = ${before ?? 0}` });
};
