/** Values to ask lists with, out of a seeded database: of those who have most, and of somebody like everybody. */

/** @typedef {import("../../scripts/lib/migrations.mjs").D1Database} D1Database */

const DAY_MS = 86_400_000;

/** @param {D1Database} db @returns {Promise<import("./lists.mjs").Samples>} */
export async function readSamples(db) {
  const one = async (/** @type {string} */ sql) => (await db.prepare(sql).first()) ?? {};
  const busiest = await one("SELECT u.id, u.email, u.username, count(*) AS n FROM instances i JOIN users u ON u.id = i.tenant_id GROUP BY u.id ORDER BY n DESC LIMIT 1");
  const plain = await one("SELECT id, email, username, name, matrix_id, email_domain FROM users WHERE status = 'active' AND account_verified = 1 ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM users WHERE status = 'active' AND account_verified = 1)");
  const machine = await one("SELECT instance_id, label, machine_fingerprint FROM instances WHERE machine_fingerprint IS NOT NULL ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM instances WHERE machine_fingerprint IS NOT NULL)");
  const bot = await one("SELECT id, username, matrix_id, name FROM bots WHERE status = 'active' ORDER BY rowid LIMIT 1 OFFSET (SELECT count(*) / 2 FROM bots WHERE status = 'active')");
  const report = await one("SELECT tenant_id, count(*) AS n FROM support_reports GROUP BY tenant_id ORDER BY n DESC LIMIT 1");
  const entry = await one("SELECT tenant_id, actor_id, subject_type, subject_id, created_at FROM audit_log WHERE actor_type = 'user' ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM audit_log WHERE actor_type = 'user')");
  const compat = await one("SELECT openclaw_version FROM compat_runs ORDER BY id DESC LIMIT 1");
  const usage = await one("SELECT max(period) AS period FROM usage_summaries WHERE period <> 'all'");
  const middle = Number(entry["created_at"]);
  const since = new Date(middle).toISOString();
  const all = {
    user_id: text(busiest["id"]),
    tenant_id: text(entry["tenant_id"]),
    actor_type: "user",
    actor_id: text(entry["actor_id"]),
    subject_type: text(entry["subject_type"]),
    subject_id: text(entry["subject_id"]),
    action: "bot.create",
    since,
    until: new Date(middle + 30 * DAY_MS).toISOString(),
    period: text(usage["period"]),
    openclaw_version: text(compat["openclaw_version"]),
    runtime: "openclaw",
    kind: "orphan_computer",
    job: "outbox.sweep",
  };
  const paths = {
    "/api/v1/admin/support/reports": { user_id: text(report["tenant_id"]) },
    "/api/v1/admin/ops/dead-letters": { type: "outbox.deliver", since: new Date(middle + 140 * DAY_MS).toISOString(), until: new Date(middle + 170 * DAY_MS).toISOString() },
    "/api/v1/admin/ops/outbox": { type: "mail.send" },
  };
  const hits = {
    "/api/v1/admin/users": { "an address": text(plain["email"]), "begin of many": "anna", domain: `@${text(plain["email_domain"])}`, "matrix id": text(plain["matrix_id"]), "an id": text(plain["id"]), name: text(plain["name"]) },
    "/api/v1/admin/bots": { username: text(bot["username"]), "matrix id": text(bot["matrix_id"]), name: text(bot["name"]), id: text(bot["id"]), "begin of many": "rocky", owner: text(busiest["email"]) },
    "/api/v1/admin/openclaw/instances": { id: text(machine["instance_id"]), label: text(machine["label"]), fingerprint: text(machine["machine_fingerprint"]), "begin of many": "host-", owner: text(busiest["email"]) },
  };
  return { all, paths, hits };
}

const text = (/** @type {unknown} */ value) => {
  if (value === null || value === undefined) throw new Error("The database is too small to ask for anything; seed more.");
  return String(value);
};
