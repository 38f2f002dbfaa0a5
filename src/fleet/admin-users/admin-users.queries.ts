import type { z } from "zod";
import { SECOND_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { getEntitlements, listEntitlements } from "../plans";
import { readSearch } from "./admin-users.core";
import { toUserDetail, type UserDetail, type UserListQuery, type UserListView, type UserRef } from "./admin-users.schemas";
import { COUNTED_MAX, listUserRows, type UserFilter } from "./admin-users.store";
import { getUserRow } from "./require-user";

/** How long this isolate believes a count of everybody of a kind: whoever turns pages does not count again each time. */
const COUNT_CACHE_MS = 30 * SECOND_MS;
/** By filter and search. */
const COUNTS_KEPT = 1_000;
const counts = new Map<string, { readonly total: number; readonly until: number }>();

/** Users, newest first, a page at a time: two round trips to D1 whatever the page holds. */
export async function listUsers(ctx: OwnerCtx, query: z.output<typeof UserListQuery>): Promise<z.input<typeof UserListView>> {
  const { page, per_page: perPage, include_deleted: includeDeleted, search, status, role, verified } = query;
  const filter: UserFilter = { search: readSearch(search ?? ""), includeDeleted, status: status ?? null, role: role ?? null, verified: verified ?? null };
  const key = JSON.stringify(filter);
  const known = page > 1 ? counts.get(key) : undefined;
  const now = ctx.clock.now();
  const { rows, total } = await listUserRows(ctx, filter, { limit: perPage, offset: (page - 1) * perPage }, known && known.until > now ? known.total : null);
  if (!(known && known.until > now)) {
    if (counts.size >= COUNTS_KEPT) counts.clear();
    counts.set(key, { total, until: now + COUNT_CACHE_MS });
  }
  const entitlements = await listEntitlements(ctx, rows.map(({ id }) => id));
  const users = rows.flatMap((row) => {
    const entitled = entitlements.get(row.id);
    return entitled ? [toUserDetail(row, entitled)] : [];
  });
  return { users, total: Math.min(total, COUNTED_MAX), total_is_exact: total <= COUNTED_MAX, page, per_page: perPage };
}

/** @throws AppError NOT_FOUND */
export async function getUser(ctx: OwnerCtx, ref: z.output<typeof UserRef>): Promise<z.input<typeof UserDetail>> {
  const [user, entitlements] = await Promise.all([getUserRow(ctx, ref.user_id), getEntitlements(ctx, ref.user_id, { fresh: true })]);
  return toUserDetail(user, entitlements);
}
