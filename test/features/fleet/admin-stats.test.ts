import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { getStats } from "../../../src/fleet/admin-stats/admin-stats.queries";
import { expectStatus, logIn, signUpUnverified, signUpUser, type TestUser } from "../../support/client";
import { costOf } from "../../support/query-plans";

const { DB } = env as unknown as { DB: D1Database };
const DAY_MS = 86_400_000;

interface Stats {
  readonly total_users: number;
  readonly verified_users: number;
  readonly unverified_users: number;
  readonly deleted_users: number;
  readonly recent_activity: { readonly signups_last_7_days: number; readonly logins_last_7_days: number };
}

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const stats = () => expectStatus<Stats>(200, "GET", "/api/v1/admin/stats", { token: admin.accessToken });
const difference = (before: Stats, after: Stats) => ({
  total: after.total_users - before.total_users,
  verified: after.verified_users - before.verified_users,
  unverified: after.unverified_users - before.unverified_users,
  deleted: after.deleted_users - before.deleted_users,
  signups: after.recent_activity.signups_last_7_days - before.recent_activity.signups_last_7_days,
  logins: after.recent_activity.logins_last_7_days - before.recent_activity.logins_last_7_days,
});

describe("statistics", () => {
  it("count everybody once, and what happened lately", async () => {
    const start = await stats();
    await signUpUnverified();
    expect(difference(start, await stats())).toEqual({ total: 1, verified: 0, unverified: 1, deleted: 0, signups: 1, logins: 0 });
    const user = await signUpUser();
    await logIn(user);
    expect(difference(start, await stats())).toEqual({ total: 2, verified: 1, unverified: 1, deleted: 0, signups: 2, logins: 2 });
    await expectStatus(200, "POST", "/api/v1/user/delete-account", { token: user.accessToken, body: { password: user.password } });
    expect(difference(start, await stats())).toMatchObject({ total: 2, verified: 0, unverified: 1, deleted: 1, signups: 2 });
    await DB.prepare("UPDATE users SET created_at = ? WHERE id = ?").bind(Date.now() - 8 * DAY_MS, user.userId).run();
    await DB.prepare("UPDATE sessions SET created_at = ? WHERE tenant_id = ?").bind(Date.now() - 8 * DAY_MS, user.userId).run();
    expect(difference(start, await stats())).toMatchObject({ total: 2, signups: 1, logins: 0 });
    await DB.prepare("DELETE FROM users WHERE id = ?").bind(user.userId).run();
    expect(difference(start, await stats())).toEqual({ total: 1, verified: 0, unverified: 1, deleted: 0, signups: 1, logins: 0 });
  });

  it("agree with the tables", async () => {
    const now = await stats();
    const { results } = await DB.prepare("SELECT CASE WHEN status = 'deleted' THEN 'deleted' WHEN account_verified = 1 THEN 'verified' ELSE 'unverified' END AS kind, count(*) AS n FROM users GROUP BY kind").all<{ kind: string; n: number }>();
    const counted = Object.fromEntries(results.map(({ kind, n }) => [kind, n]));
    expect([now.verified_users, now.unverified_users, now.deleted_users]).toEqual([counted["verified"] ?? 0, counted["unverified"] ?? 0, counted["deleted"] ?? 0]);
    expect(now.total_users).toBe(await DB.prepare("SELECT count(*) AS n FROM users").first<number>("n"));
  });

  it("take one query and read no table whole", async () => {
    const { cost } = await costOf(getStats);
    expect(cost.queries).toBe(1);
    expect(cost.scans).toEqual([]);
    expect(cost.plan.join("\n")).toMatch(/users_created.*\n(.*\n)*.*sessions_created/);
  });
});
