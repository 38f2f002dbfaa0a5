import { and, count, desc, eq, gte, lt, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind, type Cursor } from "../../kernel/db/cursor";
import { deadLetters } from "../../schema/kernel";

/** Messages belong to nobody: these are for administrators only. */

export type DeadLetter = typeof deadLetters.$inferSelect;

interface LetterFilter {
  readonly type?: string | undefined;
  /** ms, inclusive and exclusive */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

const matching = ({ type, since, until }: LetterFilter): SQL | undefined =>
  and(type === undefined ? undefined : eq(deadLetters.type, type), since === undefined ? undefined : gte(deadLetters.createdAt, since), until === undefined ? undefined : lt(deadLetters.createdAt, until));

/** Newest first. */
export const selectLetters = (ctx: Pick<Ctx, "db">, filter: LetterFilter, after: Cursor | null, limit: number) =>
  ctx.db
    .select()
    .from(deadLetters)
    .where(and(matching(filter), behind(deadLetters.createdAt, deadLetters.id, after)))
    .orderBy(desc(deadLetters.createdAt), desc(deadLetters.id))
    .limit(limit);

export async function countLetters(ctx: Ctx, filter: LetterFilter): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(deadLetters).where(matching(filter)))[0]?.n ?? 0;
}

export async function findLetter(ctx: Ctx, id: string): Promise<DeadLetter | undefined> {
  return (await ctx.db.select().from(deadLetters).where(eq(deadLetters.id, id)).limit(1))[0];
}

/** For guarded use: misses when somebody else was faster. */
export const deleteLetter = (ctx: Ctx, letter: DeadLetter) => ctx.db.delete(deadLetters).where(and(eq(deadLetters.id, letter.id), eq(deadLetters.createdAt, letter.createdAt)));
