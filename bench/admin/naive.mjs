/**
 * The obvious query of each list, for comparison: `SELECT *` with OFFSET, searches in the middle of texts, and a COUNT of all that fits beside it. It may use
 * every index that there is.
 */

/** @typedef {import("../../scripts/lib/migrations.mjs").D1Database} D1Database */
/** @typedef {{ from: string, order: string, limit: number, always?: string, filters?: Record<string, string | ((value: string) => string | null)>, search?: readonly string[] }} NaiveList */

const OWNED = "LEFT JOIN users u ON u.id = t.tenant_id";
const time = (/** @type {string} */ column, /** @type {string} */ sign) => (/** @type {string} */ value) => `${column} ${sign} ${Date.parse(value)}`;
const flag = (/** @type {string} */ column) => (/** @type {string} */ value) => `${column} = ${value === "true" ? 1 : 0}`;

/** By path; lists of a few settings have no other way to be read. @type {Record<string, NaiveList>} */
const LISTS = {
  "/api/v1/admin/users": {
    from: "users t",
    order: "t.id DESC",
    limit: 100,
    filters: { status: "t.status = ?", role: "t.role = ?", verified: flag("t.account_verified"), include_deleted: () => null },
    search: ["t.email", "t.username", "t.name", "t.display_name", "t.matrix_id"],
  },
  "/api/v1/admin/bots": { from: `bots t ${OWNED} LEFT JOIN instances i ON i.instance_id = t.instance_id`, order: "t.created_at DESC", limit: 20, always: "t.status = 'active'", search: ["t.username", "t.name", "t.matrix_id", "t.id", "u.email"] },
  "/api/v1/admin/openclaw/instances": { from: `instances t ${OWNED}`, order: "t.created_at DESC", limit: 100, search: ["t.instance_id", "t.label", "t.machine_fingerprint", "u.email"] },
  "/api/v1/admin/instance-fingerprint-collisions": { from: "(SELECT fingerprint, count(DISTINCT tenant_id) AS n FROM fingerprint_history GROUP BY fingerprint HAVING count(DISTINCT tenant_id) > 1) t", order: "t.n DESC", limit: 100 },
  "/api/v1/admin/downgrade-requests": {
    from: `downgrade_requests t ${OWNED}`,
    order: "t.created_at DESC",
    limit: 50,
    filters: { reason: "t.reason = ?", status: (value) => (value === "all" ? null : `t.resolved_at IS ${value === "open" ? "" : "NOT "}NULL`) },
  },
  "/api/v1/admin/support/reports": { from: `support_reports t ${OWNED}`, order: "t.priority_support DESC, t.created_at DESC", limit: 50, filters: { status: "t.status = ?", user_id: "t.tenant_id = ?" } },
  "/api/v1/admin/compat-runs": { from: "compat_runs t", order: "t.started_at DESC", limit: 20, filters: { openclaw_version: "t.openclaw_version = ?", runtime: "t.runtime = ?" } },
  "/api/v1/admin/over-capacity": {
    from: `(SELECT b.tenant_id, count(*) AS n FROM bots b WHERE b.status = 'active' AND b.plan_disabled_at IS NULL GROUP BY b.tenant_id UNION ALL
      SELECT i.tenant_id, count(*) FROM instances i WHERE i.archived_at IS NULL AND i.plan_disabled_at IS NULL GROUP BY i.tenant_id) t ${OWNED}`,
    order: "t.n DESC",
    limit: 200,
  },
  "/api/v1/admin/usage": {
    from: "users t LEFT JOIN usage_summaries s ON s.tenant_id = t.id LEFT JOIN bots b ON b.tenant_id = t.id",
    order: "sum(s.used) DESC",
    limit: 200,
    filters: { period: "s.period = ?" },
  },
  "/api/v1/admin/ops/audit": {
    from: "audit_log t",
    order: "t.created_at DESC, t.id DESC",
    limit: 50,
    filters: { actor_type: "t.actor_type = ?", actor_id: "t.actor_id = ?", action: "t.action = ?", subject_type: "t.subject_type = ?", subject_id: "t.subject_id = ?", tenant_id: "t.tenant_id = ?", since: time("t.created_at", ">="), until: time("t.created_at", "<") },
  },
  "/api/v1/admin/ops/cron-failures": { from: "cron_runs t", order: "t.scheduled_at DESC", limit: 50, always: "t.outcome = 'failed'" },
  "/api/v1/admin/ops/cron": { from: "(SELECT job, max(scheduled_at) AS at FROM cron_runs GROUP BY job) t", order: "t.job", limit: 100 },
  "/api/v1/admin/ops/cron/{job}": { from: "cron_runs t", order: "t.scheduled_at DESC", limit: 50, always: "t.job = 'outbox.sweep'", filters: { outcome: "t.outcome = ?" } },
  "/api/v1/admin/ops/dead-letters": { from: "dead_letters t", order: "t.created_at DESC", limit: 50, filters: { type: "t.type = ?", since: time("t.created_at", ">="), until: time("t.created_at", "<") } },
  "/api/v1/admin/ops/findings": { from: "reconcile_findings t", order: "t.last_seen_at DESC", limit: 50, filters: { kind: "t.kind = ?", state: (value) => `t.resolved_at IS ${value === "open" ? "" : "NOT "}NULL` } },
  "/api/v1/admin/ops/outbox": { from: "outbox t", order: "t.created_at DESC", limit: 50, filters: { type: "t.type = ?", state: (value) => `t.parked_at IS ${value === "parked" ? "NOT " : ""}NULL` } },
};

/**
 * What the obvious way reads for the same answer; null for lists that have none.
 * @param {D1Database} db @param {string} template the operation's path @param {Readonly<Record<string, string>>} filters @param {number} skipped rows before the page
 * @returns {Promise<{ rowsRead: number, ms: number } | null>}
 */
export async function readNaively(db, template, filters, skipped) {
  const list = LISTS[template];
  if (!list) return null;
  /** @type {string[]} */
  const values = [];
  const conditions = list.always === undefined ? [] : [list.always];
  for (const [name, value] of Object.entries(filters)) {
    if (name === "search") {
      const columns = list.search ?? [];
      // LIKE takes no long patterns in D1.
      conditions.push(`(${columns.map((column) => `instr(lower(${column}), ?) > 0`).join(" OR ")})`);
      values.push(...columns.map(() => value.replace(/^@/, "").toLowerCase()));
      continue;
    }
    const rule = list.filters?.[name];
    if (rule === undefined) throw new Error(`${template}: bench/admin/naive.mjs does not know the filter ${name}`);
    const condition = typeof rule === "string" ? rule : rule(value);
    if (condition === null) continue;
    conditions.push(condition);
    if (typeof rule === "string") values.push(value);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const grouped = list.order.startsWith("sum(") ? "GROUP BY t.id" : "";
  const [count, page] = await db.batch([
    db.prepare(`SELECT count(*) AS n FROM ${list.from} ${where}`).bind(...values),
    db.prepare(`SELECT * FROM ${list.from} ${where} ${grouped} ORDER BY ${list.order} LIMIT ${list.limit} OFFSET ${skipped}`).bind(...values),
  ]);
  return { rowsRead: (count?.meta.rows_read ?? 0) + (page?.meta.rows_read ?? 0), ms: (count?.meta.duration ?? 0) + (page?.meta.duration ?? 0) };
}
