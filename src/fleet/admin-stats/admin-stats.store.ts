import { sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";

/** Counts over all owners: of kinds from the table that triggers keep, of the last days from an index. */

export interface Numbers {
  readonly verified: number;
  readonly unverified: number;
  readonly deleted: number;
  readonly bots: number;
  readonly instances: number;
  readonly signups: number;
  readonly logins: number;
}

/** @param since (ms) begin of what is recent */
export async function countEverything(ctx: Ctx, since: number): Promise<Numbers> {
  const kept = (name: string) => sql`coalesce((SELECT n FROM row_counts WHERE name = ${name}), 0)`;
  const [row] = await ctx.db.all<Numbers>(sql`
    SELECT ${kept("users.verified")} AS verified, ${kept("users.unverified")} AS unverified, ${kept("users.deleted")} AS deleted, ${kept("bots.active")} AS bots, ${kept("instances")} AS instances,
      (SELECT count(*) FROM users WHERE created_at >= ${since}) AS signups,
      (SELECT count(*) FROM sessions WHERE created_at >= ${since}) AS logins`);
  if (!row) throw new Error("a select without a table gave no row");
  return row;
}
