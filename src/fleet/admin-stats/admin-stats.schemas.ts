import { z } from "zod";

export const AdminStatsView = z
  .object({
    total_users: z.int(),
    verified_users: z.int(),
    unverified_users: z.int(),
    deleted_users: z.int(),
    recent_activity: z.object({ signups_last_7_days: z.int(), logins_last_7_days: z.int() }).meta({ id: "AdminRecentActivity" }),
    total_bots: z.int(),
    total_instances: z.int(),
  })
  .meta({ id: "AdminStatsResponse" });
