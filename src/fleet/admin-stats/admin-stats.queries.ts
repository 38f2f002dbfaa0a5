import type { z } from "zod";
import { DAY_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import type { AdminStatsView } from "./admin-stats.schemas";
import { countEverything } from "./admin-stats.store";

/** How many people there are. Everybody counts once: as deleted, verified or unverified. */
export async function getStats(ctx: OwnerCtx): Promise<z.input<typeof AdminStatsView>> {
  const { verified, unverified, deleted, bots, instances, signups, logins } = await countEverything(ctx, ctx.clock.now() - 7 * DAY_MS);
  return {
    total_users: verified + unverified + deleted,
    verified_users: verified,
    unverified_users: unverified,
    deleted_users: deleted,
    recent_activity: { signups_last_7_days: signups, logins_last_7_days: logins },
    total_bots: bots,
    total_instances: instances,
  };
}
