import { sql } from "drizzle-orm";
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

/**
 * One row per person and feature over its cap, by user and feature. The cap is that of the plan in force, or of the one that an open
 * request leads to when that is lower. The order in which plans count is that of `standingOf`.
 */
export function listOverCapacity(ctx: Ctx, { after, limit, unflagged }: OverCapacityPage): Promise<OverCapacityRow[]> {
  const now = ctx.clock.now();
  return ctx.db.all<OverCapacityRow>(sql`
    WITH held AS (
      SELECT tenant_id, 'multiple_openclaw_instances' AS feature, count(*) AS n FROM instances
        WHERE archived_at IS NULL AND plan_disabled_at IS NULL AND (provider IS NULL OR provider <> 'orgo') GROUP BY tenant_id
      UNION ALL
      SELECT tenant_id, 'max_bots', count(*) FROM bots WHERE status = 'active' AND plan_disabled_at IS NULL GROUP BY tenant_id
      UNION ALL
      SELECT tenant_id, 'max_bot_shares', count(*) FROM bot_shares WHERE ended_at IS NULL AND (expires_at IS NULL OR expires_at > ${now}) GROUP BY tenant_id
    ), standing AS (
      SELECT h.tenant_id, h.feature, h.n, u.email, u.username, d.id AS request_id, d.to_plan_id,
        coalesce(
          (SELECT s.plan_id FROM user_subscriptions s JOIN plans sp ON sp.id = s.plan_id WHERE s.tenant_id = h.tenant_id
            AND (s.status IN ('trialing', 'active') OR (s.status IN ('past_due', 'grace') AND (s.grace_until IS NULL OR s.grace_until > ${now})))
            ORDER BY s.created_at DESC, s.id DESC LIMIT 1),
          (SELECT p.id FROM plans p WHERE p.key = u.plan_key),
          (SELECT p.id FROM plans p WHERE p.key = 'free_trial' AND u.trial_ends_at > ${now}),
          (SELECT p.id FROM plans p WHERE p.key = 'free')
        ) AS plan_id
      FROM held h JOIN users u ON u.id = h.tenant_id AND u.status = 'active'
      LEFT JOIN downgrade_requests d ON d.tenant_id = h.tenant_id AND d.resolved_at IS NULL
      WHERE (h.tenant_id, h.feature) > (${after?.userId ?? 0}, ${after?.feature ?? ""}) ${unflagged ? sql`AND d.id IS NULL` : sql``}
    ), capped AS (
      SELECT t.*, p.key AS plan, lower(trim(coalesce(v.value, f.default_value, '0'))) AS value
      FROM standing t
      JOIN plans own ON own.id = t.plan_id
      LEFT JOIN plans aim ON aim.id = t.to_plan_id AND aim.tier < own.tier
      JOIN plans p ON p.id = coalesce(aim.id, own.id)
      JOIN features f ON f.key = t.feature
      LEFT JOIN plan_features v ON v.plan_id = p.id AND v.feature_id = f.id
    )
    SELECT tenant_id AS user_id, email, username, feature, plan, n AS count, CAST(value AS INTEGER) AS cap, request_id AS active_request_id
    FROM capped WHERE value NOT IN ('-1', 'unlimited') AND n > CAST(value AS INTEGER)
    ORDER BY tenant_id, feature LIMIT ${limit}`);
}
