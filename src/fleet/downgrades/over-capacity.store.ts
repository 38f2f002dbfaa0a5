import { sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";

/** SQL that looks over everybody: who has more than a plan carries. */

export interface OverCapacityRow {
  readonly user_id: number;
  readonly email: string;
  readonly username: string;
  readonly feature: string;
  readonly plan: string;
  readonly count: number;
  readonly cap: number;
  readonly active_request_id: string | null;
}

export interface OverCapacityPage {
  /** Rows come after this user and feature. */
  readonly after: { readonly userId: number; readonly feature: string } | null;
  readonly limit: number;
  /** Only those without an open request. */
  readonly unflagged: boolean;
}

/** A plan's cap of a feature; null is none. The value is `-1` or `unlimited` then. */
const capOf = (feature: string): SQL => sql`max(CASE WHEN f.key = ${feature} AND lower(trim(coalesce(v.value, f.default_value, '0'))) NOT IN ('-1', 'unlimited')
  THEN CAST(trim(coalesce(v.value, f.default_value, '0')) AS INTEGER) END)`;

/**
 * One row per person and feature over its cap, by user and feature. The cap is that of the plan in force, or of the one that an open
 * request leads to when that is lower. The order in which plans count is that of `standingOf`. People come by their holdings, which are kept counted, and
 * the walk ends with the page; only shares are counted anew, since some run out unseen.
 */
export function listOverCapacity(ctx: Ctx, { after, limit, unflagged }: OverCapacityPage): Promise<OverCapacityRow[]> {
  const now = ctx.clock.now();
  // Two joins of a few rows, and not a third one: it would work the plan out again.
  const lower = (column: "key" | "machines" | "bots" | "shares"): SQL => sql.raw(`CASE WHEN aim.id IS NULL THEN own.${column} ELSE aim.${column} END`);
  const livingShares = sql`(SELECT count(*) FROM bot_shares b WHERE b.tenant_id = h.tenant_id AND b.ended_at IS NULL AND (b.expires_at IS NULL OR b.expires_at > ${now}))`;
  return ctx.db.all<OverCapacityRow>(sql`
    WITH caps AS MATERIALIZED (
      SELECT p.id, p.key, p.tier, ${capOf("multiple_openclaw_instances")} AS machines, ${capOf("max_bots")} AS bots, ${capOf("max_bot_shares")} AS shares
      FROM plans p CROSS JOIN features f LEFT JOIN plan_features v ON v.plan_id = p.id AND v.feature_id = f.id GROUP BY p.id
    ), standing AS (
      SELECT h.tenant_id, h.machines, h.bots, h.shares, u.email, u.username, d.id AS request_id, d.to_plan_id,
        coalesce(
          (SELECT s.plan_id FROM user_subscriptions s WHERE s.tenant_id = h.tenant_id
            AND (s.status IN ('trialing', 'active') OR (s.status IN ('past_due', 'grace') AND (s.grace_until IS NULL OR s.grace_until > ${now})))
            ORDER BY s.created_at DESC, s.id DESC LIMIT 1),
          (SELECT p.id FROM plans p WHERE p.key = u.plan_key),
          (SELECT p.id FROM plans p WHERE p.key = 'free_trial' AND u.trial_ends_at > ${now}),
          (SELECT p.id FROM plans p WHERE p.key = 'free')
        ) AS plan_id
      FROM tenant_holdings h CROSS JOIN users u ON u.id = h.tenant_id AND u.status = 'active'
      LEFT JOIN downgrade_requests d ON d.tenant_id = h.tenant_id AND d.resolved_at IS NULL
      WHERE h.tenant_id >= ${after?.userId ?? 0} AND (h.machines > 0 OR h.bots > 0 OR h.shares > 0) ${unflagged ? sql`AND d.id IS NULL` : sql``}
    ), capped AS (
      SELECT h.*, ${lower("key")} AS plan, ${lower("machines")} AS machine_cap, ${lower("bots")} AS bot_cap, ${lower("shares")} AS share_cap
      FROM standing h CROSS JOIN caps own ON own.id = h.plan_id LEFT JOIN caps aim ON aim.id = h.to_plan_id AND aim.tier < own.tier
    ), found AS MATERIALIZED (
      SELECT h.*, CASE WHEN h.shares > h.share_cap THEN ${livingShares} ELSE 0 END AS living_shares FROM capped h
      WHERE h.machines > h.machine_cap OR h.bots > h.bot_cap OR (h.shares > h.share_cap AND ${livingShares} > h.share_cap)
      ORDER BY h.tenant_id LIMIT ${limit + 1}
    )
    SELECT * FROM (
      SELECT tenant_id AS user_id, email, username, 'multiple_openclaw_instances' AS feature, plan, machines AS count, machine_cap AS cap, request_id AS active_request_id FROM found WHERE machines > machine_cap
      UNION ALL SELECT tenant_id, email, username, 'max_bots', plan, bots, bot_cap, request_id FROM found WHERE bots > bot_cap
      UNION ALL SELECT tenant_id, email, username, 'max_bot_shares', plan, living_shares, share_cap, request_id FROM found WHERE living_shares > share_cap
    ) WHERE (user_id, feature) > (${after?.userId ?? 0}, ${after?.feature ?? ""}) ORDER BY user_id, feature LIMIT ${limit}`);
}
