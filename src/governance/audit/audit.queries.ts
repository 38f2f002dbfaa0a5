import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { fromBase64Url, fromUtf8 } from "../../kernel/crypto/bytes";
import { pageOf, readCursor } from "../../kernel/db/cursor";
import type { TrailCursor } from "./audit.core";
import { toTrailEntry, type ListTrailQuery, type TrailPageView } from "./audit.schemas";
import { selectTrail } from "./audit.store";

/** Who changed what in governance, newest first. No page skips or repeats a row, however many share a moment. */
export async function listTrail(ctx: Ctx, { tenant, limit, cursor }: z.output<typeof ListTrailQuery>): Promise<z.input<typeof TrailPageView>> {
  const rows = await selectTrail(ctx, tenant, cursor === undefined ? null : readTrailCursor(cursor), limit + 1);
  const { page, nextCursor } = pageOf(rows, limit, (row) => ({ at: row.createdAt, id: String(row.id) }));
  return { data: page.map(toTrailEntry), pagination: { limit, ...(nextCursor === null ? {} : { nextCursor }), hasMore: nextCursor !== null } };
}

/** Our cursors, and those of clients that make their own from a time stamp. Others count as none, as published clients expect. */
function readTrailCursor(text: string): TrailCursor | null {
  try {
    const { at, id } = readCursor(text);
    return Number.isSafeInteger(Number(id)) ? { at, id: Number(id) } : null;
  } catch {
    const at = Date.parse(plainTime(text));
    return Number.isNaN(at) ? null : { at, id: null };
  }
}

function plainTime(text: string): string {
  try {
    const plain = fromUtf8(fromBase64Url(text) ?? new Uint8Array());
    return /^\d{4}-\d\d-\d\dT/.test(plain) ? plain : "";
  } catch {
    return "";
  }
}
