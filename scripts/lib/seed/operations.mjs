import { address } from "./people.mjs";
import { createRandom } from "./random.mjs";
import { COMPLAINTS } from "./words.mjs";
import { DAY_MS } from "./world.mjs";

/** @typedef {import("./world.mjs").World} World */
/** @typedef {import("./insert.mjs").TableOfRows} TableOfRows */

const MINUTE_MS = 60_000;
const JOBS_BY_MINUTE = ["outbox.sweep", "keys.reseal", "bots.settle", "rooms.settle", "shares.sweep", "subscriptions.settle", "webhooks.sweep", "downgrades.sweep", "cloud_vms.settle", "skills.sweep", "admin_jobs.wake", "apple_notifications.sweep"];
const ACTIONS = ["session.create", "session.create", "session.refresh", "cli_token.mint", "instance.create", "bot.create", "pairing.redeem", "bot.update", "user.update", "bot_share.create", "subscription.checkout", "plan.update", "user.deactivate", "user.set_password"];
const LETTER_TYPES = ["outbox.deliver", "bots.settle", "webhooks.process", "downgrades.check", "notifications.forward"];
const EFFECT_TYPES = ["mail.send", "matrix.deactivate", "session.cut_streams", "instance.purge", "bots.project"];
const FINDINGS = ["unknown_computer", "orphan_computer", "duplicate_computer", "lost_computer", "stuck_destroy", "unpaid_machine"];

/** Tables of support and of running the service. @param {World} world @param {{ seal: (text: string, context: string) => string }} sealer @returns {TableOfRows[]} */
export const operationTables = (world, { seal }) => [reports(world), audit(world), letters(world), effects(world, seal), findings(world), runs(world), handled(world), compat(world), gates(world), featured(world), jobs(world)];

/** @param {World} world @returns {TableOfRows} */
function reports({ options: { seed, until, users: count }, people }) {
  const random = createRandom(seed, "reports");
  return {
    table: "support_reports",
    columns: ["tenant_id", "text", "can_contact", "contact_email", "app_version", "os", "status", "priority_support", "admin_notes", "resolved_at", "created_at", "updated_at"],
    rows: (function* () {
      const reporters = people.filter(({ standing }) => standing === "active");
      for (let n = 0; n < count; n++) {
        const at = until - 365 * DAY_MS + Math.floor((365 * DAY_MS * n) / count);
        const person = random.pick(reporters);
        const status = random.pick(["open", "in_progress", "resolved", "resolved", "closed", "closed"]);
        const endedAt = status === "resolved" || status === "closed" ? Math.min(until, at + random.integer(5 * DAY_MS)) : null;
        yield [person.id, `My bot is ${random.pick(COMPLAINTS)} since ${random.integer(28) + 1} days`, 1, person.email, "1.4.0", random.pick(["iOS 26", "Android 16"]), status, person.plan.tier >= 3 ? 1 : 0, endedAt === null ? null : "Answered", endedAt, at, endedAt ?? at];
      }
    })(),
  };
}

/** Twenty of everybody. @param {World} world @returns {TableOfRows} */
function audit({ options: { seed, until, users: count }, people, machines }) {
  const random = createRandom(seed, "audit");
  const total = count * 20;
  return {
    table: "audit_log",
    columns: ["tenant_id", "action", "actor_type", "actor_id", "subject_type", "subject_id", "detail", "request_id", "ip", "user_agent", "created_at"],
    rows: (function* () {
      for (let n = 0; n < total; n++) {
        const at = until - 365 * DAY_MS + Math.floor((365 * DAY_MS * n) / total);
        const person = random.pick(people);
        const action = random.pick(ACTIONS);
        const noun = action.split(".")[0] ?? "";
        const byAdmin = noun === "user" || noun === "plan";
        const bySystem = !byAdmin && random.happens(0.05);
        const actor = bySystem ? "outbox" : String(byAdmin ? (people[0]?.id ?? 1) : person.id);
        const subject = noun === "instance" ? (machines.length > 0 ? random.pick(machines).instanceId : "none") : noun === "user" ? String(person.id) : random.uuid();
        yield [person.id, action, bySystem ? "system" : "user", actor, noun, subject, byAdmin ? '{"before":{"name":"Old"},"after":{"name":"New"}}' : "{}", `req_${random.hex(20)}`, address(random), "seed", at];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function letters({ options: { seed, until, users: count } }) {
  const random = createRandom(seed, "letters");
  const total = Math.ceil(count / 5);
  return {
    table: "dead_letters",
    columns: ["id", "type", "payload", "reason", "created_at"],
    rows: (function* () {
      for (let n = 0; n < total; n++) {
        const [id, type] = [`seed-${n}-${random.hex(10)}`, random.pick(LETTER_TYPES)];
        yield [id, type, JSON.stringify({ v: 1, id, type, payload: random.uuid() }), random.pick(["retries are used up", "NOT_FOUND: There is no such bot."]), until - 60 * DAY_MS + Math.floor((60 * DAY_MS * n) / total)];
      }
    })(),
  };
}

/** Only such as gave up: what waits would be delivered. @param {World} world @param {(text: string, context: string) => string} seal @returns {TableOfRows} */
function effects({ options: { seed, until, users: count } }, seal) {
  const random = createRandom(seed, "effects");
  const total = Math.ceil(count / 10);
  return {
    table: "outbox",
    columns: ["id", "type", "payload", "due_at", "attempts", "last_error", "parked_at", "created_at"],
    rows: (function* () {
      for (let n = 0; n < total; n++) {
        const [id, at] = [`eff_${random.hex(20)}`, until - 60 * DAY_MS + Math.floor((60 * DAY_MS * n) / total)];
        yield [id, random.pick(EFFECT_TYPES), seal("{}", `outbox:${id}`), at, 30, "DEPENDENCY_UNAVAILABLE: It did not answer.", at, at - DAY_MS];
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function findings({ options: { seed, until, users: count } }) {
  const random = createRandom(seed, "findings");
  const total = Math.ceil(count / 3);
  return {
    table: "reconcile_findings",
    columns: ["kind", "subject", "driver", "detail", "first_seen_at", "last_seen_at", "resolved_at"],
    rows: (function* () {
      for (let n = 0; n < total; n++) {
        const at = until - 180 * DAY_MS + Math.floor((180 * DAY_MS * n) / total);
        const isOpen = random.happens(0.15);
        yield [random.pick(FINDINGS), `seed-${random.hex(12)}-${n}`, "orgo", "{}", at, isOpen ? until - random.integer(DAY_MS) : at + 3_600_000, isOpen ? null : at + 7_200_000];
      }
    })(),
  };
}

/** As much as is kept: ticks of a day, and those of a month that failed. @param {World} world @returns {TableOfRows} */
function runs({ options: { seed, until, users: count } }) {
  const random = createRandom(seed, "runs");
  // Small worlds have a short past.
  const minutes = Math.min(1_440, Math.max(30, Math.ceil(count / 7)));
  return {
    table: "cron_runs",
    columns: ["job", "scheduled_at", "created_at", "ended_at", "outcome", "error"],
    rows: (function* () {
      const last = Math.floor(until / MINUTE_MS) * MINUTE_MS;
      for (const job of JOBS_BY_MINUTE) {
        for (let n = minutes * 30; n > 0; n--) {
          const hasFailed = random.happens(0.001);
          if (n > minutes && !hasFailed) continue;
          const at = last - n * MINUTE_MS;
          yield [job, at, at + 200, at + 200 + random.integer(900), hasFailed ? "failed" : "ok", hasFailed ? "Error: D1 did not answer" : null];
        }
      }
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function handled({ options: { seed, until, users: count } }) {
  const random = createRandom(seed, "handled");
  return {
    table: "processed_messages",
    columns: ["id", "handled_at", "late_ms"],
    rows: (function* () {
      for (let n = 0; n < count * 2; n++) yield [`seed-${n}-${random.hex(10)}`, until - random.integer(7 * DAY_MS), random.integer(3_000)];
    })(),
  };
}

/** @param {World} world @returns {TableOfRows} */
function compat({ options: { seed, until, users: count } }) {
  const random = createRandom(seed, "compat");
  const total = Math.ceil(count / 5);
  return {
    table: "compat_runs",
    columns: ["runtime", "openclaw_version", "plugin_version", "cli_version", "result", "summary", "scenarios", "log_artifact_url", "triggered_by", "started_at", "finished_at", "created_at", "updated_at"],
    rows: (function* () {
      for (let n = 0; n < total; n++) {
        const at = until - 360 * DAY_MS + Math.floor((360 * DAY_MS * n) / total);
        const result = random.happens(0.85) ? "pass" : "fail";
        const scenarios = JSON.stringify([{ id: "pair", name: "A bot is paired", status: result, duration_ms: 1_200, error_excerpt: result === "fail" ? "timed out" : null }]);
        yield [random.happens(0.8) ? "openclaw" : "hermes", `2026.${1 + Math.floor((11 * n) / total)}.${random.integer(9)}`, "1.2.0", "0.1.0", result, null, scenarios, null, "ci.example", at, at + 90_000, at + 90_000, at + 90_000];
      }
    })(),
  };
}

/** All open, so that nothing of the product is off. @param {World} world @returns {TableOfRows} */
function gates({ options: { until } }) {
  return {
    table: "feature_gates",
    columns: ["key", "enabled", "percentage", "allowed_accounts", "note", "created_at", "updated_at"],
    rows: Array.from({ length: 12 }, (_, n) => [`seed.gate_${String.fromCharCode(97 + n)}`, 1, 100, "[]", "A gate of nothing", until - DAY_MS, until - DAY_MS]),
  };
}

/** @param {World} world @returns {TableOfRows} */
function featured({ options: { seed, until, serverName }, people }) {
  const random = createRandom(seed, "featured");
  return {
    table: "featured_rooms",
    columns: ["room_id", "display_name", "description", "matrix_joined_member_count", "display_order", "added_by", "created_at", "updated_at"],
    rows: Array.from({ length: 25 }, (_, n) => [`!${random.hex(18)}:${serverName}`, `Room ${n + 1}`, "A room of the seed", random.integer(5_000), n, people[0]?.id ?? null, until - DAY_MS, until - DAY_MS]),
  };
}

/** Jobs that are over. @param {World} world @returns {TableOfRows} */
function jobs({ options: { seed, until, users: count }, people }) {
  const random = createRandom(seed, "jobs");
  return {
    table: "admin_jobs",
    columns: ["id", "kind", "status", "started_by", "total", "processed", "counts", "cursor", "step", "error", "started_at", "finished_at", "progress_at", "created_at"],
    rows: (function* () {
      for (let day = Math.min(365, count); day > 0; day--) {
        const at = until - day * DAY_MS;
        const status = random.happens(0.95) ? "completed" : "failed";
        yield [random.uuid(), "matrix_status_refresh", status, random.happens(0.1) ? (people[0]?.id ?? null) : null, count, count, "{}", count, 100, status === "failed" ? "MATRIX_UNAVAILABLE" : null, at, at + MINUTE_MS, at + MINUTE_MS, at];
      }
    })(),
  };
}
