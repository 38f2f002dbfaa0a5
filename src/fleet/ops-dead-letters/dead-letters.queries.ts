import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { pageOf, readCursor } from "../../kernel/db/cursor";
import { notFound } from "../../kernel/errors/app-error";
import { toLetterView, type DeadLetterListView, type DeadLetterRef, type DeadLetterView, type ListDeadLettersQuery } from "./dead-letters.schemas";
import { countLetters, findLetter, selectLetters } from "./dead-letters.store";

/** Messages that no handler could digest, newest first. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listDeadLetters(ctx: OwnerCtx, query: z.output<typeof ListDeadLettersQuery>): Promise<z.input<typeof DeadLetterListView>> {
  const after = query.cursor === undefined ? null : readCursor(query.cursor);
  const [rows, total] = await Promise.all([selectLetters(ctx, query, after, query.limit + 1), countLetters(ctx, query)]);
  const { page, nextCursor } = pageOf(rows, query.limit, (row) => ({ at: row.createdAt, id: row.id }));
  return { dead_letters: page.map(toLetterView), total, next_cursor: nextCursor };
}

/** One of them. @throws AppError NOT_FOUND */
export async function getDeadLetter(ctx: OwnerCtx, ref: z.output<typeof DeadLetterRef>): Promise<z.input<typeof DeadLetterView>> {
  const letter = await findLetter(ctx, ref.letter_id);
  if (!letter) throw notFound("Dead letter");
  return toLetterView(letter);
}
