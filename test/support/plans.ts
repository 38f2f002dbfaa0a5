import { env } from "cloudflare:workers";
import { forgetEntitlements } from "../../src/fleet/plans";
import type { TestUser } from "./client";

/** Plans by hand, where no payment is part of the story. Written straight to D1, so what the worker remembers is forgotten with it. */

const { DB } = env as unknown as { DB: D1Database };

/** Puts `user` on a plan as an operator would; null takes it back. */
export async function setPlan(user: Pick<TestUser, "userId">, key: string | null): Promise<void> {
  await DB.prepare("UPDATE users SET plan_key = ? WHERE id = ?").bind(key, user.userId).run();
  forgetEntitlements(user.userId);
}

/** Puts `user` on the largest plan, which then has no caps at all: for tests that need more of something than any plan carries. */
export async function liftCaps(user: Pick<TestUser, "userId">): Promise<void> {
  await DB.prepare("UPDATE plan_features SET value = '-1' WHERE plan_id = (SELECT id FROM plans WHERE key = 'team') AND feature_id IN (SELECT id FROM features WHERE feature_type = 'limit')").run();
  forgetEntitlements(null);
  await setPlan(user, "team");
}

/** Ends or moves the trial of `user`. @param at ms */
export async function setTrialEnd(user: Pick<TestUser, "userId">, at: number): Promise<void> {
  await DB.prepare("UPDATE users SET trial_ends_at = ? WHERE id = ?").bind(at, user.userId).run();
  forgetEntitlements(user.userId);
}

/** A subscription of `user` in force on plan `key`. @param columns further columns of its row. @returns its id */
export async function insertSubscription(user: Pick<TestUser, "userId">, key: string, columns: Readonly<Record<string, string | number | null>> = {}): Promise<string> {
  const plan = await DB.prepare("SELECT id FROM plans WHERE key = ?").bind(key).first<{ id: number }>();
  if (!plan) throw new Error(`no plan ${key}`);
  const row: Readonly<Record<string, string | number | null>> = {
    id: crypto.randomUUID(),
    tenant_id: user.userId,
    plan_id: plan.id,
    source: "stripe",
    status: "active",
    created_at: Date.now(),
    updated_at: Date.now(),
    ...columns,
  };
  const names = Object.keys(row);
  await DB.prepare(`INSERT INTO user_subscriptions (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
    .bind(...Object.values(row))
    .run();
  forgetEntitlements(user.userId);
  return String(row["id"]);
}
