import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";

const { DB } = env as unknown as Env;
const TENANT = 7_000_001;

/** What triggers keep, beside what counting finds. */
async function compare(): Promise<{ readonly kept: unknown; readonly counted: unknown }> {
  const holdings = "machines, bots, running_bots, shares, first_upload";
  const [kept, counted, keptTotals, countedTotals] = await DB.batch([
    DB.prepare(`SELECT ${holdings} FROM tenant_holdings WHERE tenant_id = ?`).bind(TENANT),
    DB.prepare(
      `SELECT (SELECT count(*) FROM instances WHERE tenant_id = ?1 AND archived_at IS NULL AND plan_disabled_at IS NULL AND cloud_vm_id IS NULL) AS machines,
        (SELECT count(*) FROM bots WHERE tenant_id = ?1 AND status = 'active' AND plan_disabled_at IS NULL) AS bots,
        (SELECT count(*) FROM bots WHERE tenant_id = ?1 AND status IN ('creating', 'active') AND plan_disabled_at IS NULL) AS running_bots,
        (SELECT count(*) FROM bot_shares WHERE tenant_id = ?1 AND ended_at IS NULL) AS shares,
        (SELECT min(period) FROM usage_summaries WHERE tenant_id = ?1 AND period <> 'all') AS first_upload`,
    ).bind(TENANT),
    DB.prepare("SELECT name, n FROM row_counts WHERE (name >= 'support_reports.' AND name < 'support_reports/' OR name >= 'downgrade_requests.' AND name < 'downgrade_requests/') AND n <> 0 ORDER BY name"),
    DB.prepare(
      `SELECT 'downgrade_requests.' || iif(resolved_at IS NULL, 'open.', 'resolved.') || reason AS name, count(*) AS n FROM downgrade_requests GROUP BY 1
       UNION ALL SELECT 'support_reports.' || status, count(*) FROM support_reports GROUP BY 1 ORDER BY 1`,
    ),
  ]);
  return { kept: [kept?.results, keptTotals?.results], counted: [counted?.results, countedTotals?.results] };
}

const CHANGES: readonly string[] = [
  "INSERT INTO users (id, sub, email, email_key, username, name, matrix_id, password_hash, trial_ends_at, created_at, updated_at) VALUES (7000001, 'kept', 'kept@x.example', 'kept@x.example', 'keptcounts', 'Kept', '@keptcounts:x', 'x', 0, 0, 0)",
  "INSERT INTO instances (tenant_id, instance_id, label, registered_version, capabilities, online, online_changed_at, created_at, updated_at) VALUES (7000001, 'kept-1', 'a', '1', '{}', 0, 0, 0, 0), (7000001, 'kept-2', 'b', '1', '{}', 0, 0, 0, 0)",
  "INSERT INTO instances (tenant_id, instance_id, label, registered_version, capabilities, online, online_changed_at, cloud_vm_id, created_at, updated_at) VALUES (7000001, 'kept-3', 'c', '1', '{}', 0, 0, 'vm', 0, 0)",
  "UPDATE instances SET plan_disabled_at = 1 WHERE instance_id = 'kept-1'",
  "UPDATE instances SET archived_at = 1 WHERE instance_id = 'kept-1'",
  "UPDATE instances SET plan_disabled_at = NULL, archived_at = NULL WHERE instance_id = 'kept-1'",
  "DELETE FROM instances WHERE instance_id = 'kept-2'",
  "INSERT INTO bots (id, tenant_id, username, matrix_id, name, status, device_id, created_at, updated_at) VALUES ('kept-a', 7000001, 'kepta', '@kepta:x', 'A', 'creating', 'D', 0, 0), ('kept-b', 7000001, 'keptb', '@keptb:x', 'B', 'active', 'D', 0, 0)",
  "UPDATE bots SET status = 'active' WHERE id = 'kept-a'",
  "UPDATE bots SET plan_disabled_at = 1 WHERE id = 'kept-b'",
  "UPDATE bots SET status = 'deleted', plan_disabled_at = NULL WHERE id = 'kept-b'",
  "INSERT INTO bot_shares (tenant_id, bot_id, recipient_id, recipient_matrix_id, created_at, updated_at) VALUES (7000001, 'kept-a', 1, '@r:x', 0, 0), (7000001, 'kept-a', 2, '@s:x', 0, 0)",
  "UPDATE bot_shares SET ended_at = 1 WHERE tenant_id = 7000001 AND recipient_id = 1",
  "DELETE FROM bot_shares WHERE tenant_id = 7000001 AND recipient_id = 2",
  "INSERT INTO usage_summaries (tenant_id, period, metric, used, updated_at) VALUES (7000001, '2026-10', 'media_bytes', 1, 0), (7000001, '2026-09', 'media_bytes', 1, 0), (7000001, 'all', 'media_bytes', 2, 0)",
  "INSERT INTO support_reports (tenant_id, text, can_contact, status, priority_support, created_at, updated_at) VALUES (7000001, 'x', 0, 'open', 0, 0, 0), (7000001, 'y', 0, 'open', 0, 0, 0)",
  "UPDATE support_reports SET status = 'resolved' WHERE tenant_id = 7000001 AND text = 'x'",
  "DELETE FROM support_reports WHERE tenant_id = 7000001 AND text = 'y'",
  "INSERT INTO downgrade_requests (id, tenant_id, from_plan_id, to_plan_id, reason, grace_ends_at, resolved_features, created_at, updated_at) VALUES ('kept-d', 7000001, 2, 1, 'user_manual', 0, '[]', 0, 0)",
  "UPDATE downgrade_requests SET resolved_at = 1 WHERE id = 'kept-d'",
  "DELETE FROM downgrade_requests WHERE id = 'kept-d'",
];

describe("what triggers keep counted", () => {
  it("is what counting finds, after every kind of change", async () => {
    for (const [index, change] of CHANGES.entries()) {
      await DB.prepare(change).run();
      if (index === 0) continue;
      const { kept, counted } = await compare();
      expect(kept, change).toEqual(counted);
    }
    await DB.prepare("DELETE FROM users WHERE id = ?").bind(TENANT).run();
    expect(await DB.prepare("SELECT count(*) AS n FROM tenant_holdings WHERE tenant_id = ?").bind(TENANT).first("n")).toBe(0);
  });
});
