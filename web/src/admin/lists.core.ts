/** Words over lists that go across owners. */
import { countOf } from "../lib/format";

/** "200 bots", "more than 10000 bots" where the count was not finished. */
export const describeTotal = ({ total, total_is_exact }: { total: number; total_is_exact: boolean }, one: string): string => `${total_is_exact ? "" : "more than "}${countOf(total, one)}`;

export const ownerName = ({ id, email, username }: { id: number; email: string | null; username: string | null }): string => email || username || `User ${id}`;
