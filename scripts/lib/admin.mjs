import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { hashPassword, verifyPassword } from "./argon2.mjs";
import { readJson, writePrivateFile } from "./state-dir.mjs";

/** @typedef {import("./migrations.mjs").D1Database} D1Database */
/** What `admin.json` keeps. `password` only when it was made up here; `applied` is the hash last written to the database. @typedef {{ email: string, password?: string, applied?: string }} AdminFile */

const DEFAULT_EMAIL = "admin@sett.localhost";
const DAY_MS = 86_400_000;
/** Whoever runs the server needs no plan to try what it can do. */
const OWN_PLAN = "team";
const MIN_PASSWORD = 8;

/** Upper and lower case, digits and a sign, whatever the console asks of passwords. */
const generatePassword = () => `Aa1-${randomBytes(15).toString("base64url")}`;

/**
 * Sees to the administrator of a local server. A password from the environment is applied when it differs from the one applied
 * last, so that a change made in the console survives restarts; so does a role that was taken away, while another superadministrator
 * can sign in.
 * @param {{ db: D1Database, stateDir: string, env: NodeJS.ProcessEnv, pepper: Uint8Array, matrixServerName: string, trialDays: number }} options
 * @returns {Promise<{ email: string, outcome: "created" | "updated" | "unchanged", generatedPassword: string | null }>}
 */
export async function seedAdmin({ db, stateDir, env, pepper, matrixServerName, trialDays }) {
  const file = join(stateDir, "admin.json");
  const known = /** @type {AdminFile | null} */ (existsSync(file) ? readJson(file) : null);
  const email = env["SETT_ADMIN_EMAIL"]?.trim() || known?.email || DEFAULT_EMAIL;
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new Error("SETT_ADMIN_EMAIL is no e-mail address.");
  const wanted = env["SETT_ADMIN_PASSWORD"];
  if (wanted !== undefined && wanted.length < MIN_PASSWORD) throw new Error(`SETT_ADMIN_PASSWORD needs at least ${MIN_PASSWORD} characters.`);

  const same = known?.email === email ? known : null;
  const row = await db.prepare("SELECT id FROM users WHERE email_key = ?").bind(email.toLowerCase()).first();
  const changed = wanted !== undefined && !(same?.applied && (await verifyPassword(wanted, same.applied, pepper)));
  if (row && !changed && (await hasSuperadmin(db))) return { email, outcome: "unchanged", generatedPassword: null };

  const generated = wanted === undefined && !row ? (same?.password ?? generatePassword()) : null;
  const password = wanted ?? generated;
  const hash = password !== null && (changed || !row) ? await hashPassword(password, pepper) : null;
  const now = Date.now();
  if (row) await promote(db, Number(row["id"]), hash, now);
  else if (hash !== null) await insertAdmin(db, { email, hash, matrixServerName, trialEndsAt: now + trialDays * DAY_MS, now });
  /** @type {AdminFile} */
  const next = { email, ...(generated === null ? {} : { password: generated }), ...(hash === null ? {} : { applied: hash }) };
  // The plaintext of an older generated password goes once another one is in force.
  writePrivateFile(file, `${JSON.stringify(hash === null ? { ...same, ...next } : next, null, 2)}\n`);
  return { email, outcome: row ? "updated" : "created", generatedPassword: generated };
}

/** Whether somebody who may do everything can sign in. @param {D1Database} db */
const hasSuperadmin = async (db) => (await db.prepare("SELECT 1 FROM users WHERE role = 'superadmin' AND status = 'active' AND account_verified = 1 LIMIT 1").first()) !== null;

/**
 * @param {D1Database} db
 * @param {{ email: string, hash: string, matrixServerName: string, trialEndsAt: number, now: number }} admin
 */
async function insertAdmin(db, { email, hash, matrixServerName, trialEndsAt, now }) {
  const username = await freeUsername(db, email);
  await db.batch([
    db
      .prepare(
        `INSERT INTO users (sub, email, email_key, username, name, matrix_id, password_hash, role, status, account_verified, plan_key, trial_ends_at, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'superadmin', 'active', 1, ?, ?, ?, ?)`,
      )
      .bind(randomUUID(), email, email.toLowerCase(), username, "Administrator", `@${username}:${matrixServerName}`, hash, OWN_PLAN, trialEndsAt, now, now),
    auditRow(db, "user.seed", email.toLowerCase(), now),
  ]);
}

/** @param {D1Database} db @param {string} email */
async function freeUsername(db, email) {
  const base = (email.split("@")[0] ?? "").toLowerCase().replace(/[^a-z0-9_]/g, "").slice(0, 24) || "admin";
  for (let suffix = 0; ; suffix++) {
    const username = suffix === 0 ? base : `${base}${suffix}`;
    if (!(await db.prepare("SELECT 1 FROM users WHERE username = ?").bind(username).first())) return username;
  }
}

/** @param {D1Database} db @param {number} id @param {string | null} hash null keeps the password @param {number} now */
async function promote(db, id, hash, now) {
  const row = await db.prepare("SELECT email_key FROM users WHERE id = ?").bind(id).first();
  await db.batch([
    db
      .prepare(
        // A new password ends every session: tokens of an older epoch are dead.
        `UPDATE users SET role = 'superadmin', account_verified = 1, status = 'active', password_hash = COALESCE(?1, password_hash),
           token_epoch = token_epoch + (?1 IS NOT NULL), updated_at = ?2, version = version + 1 WHERE id = ?3`,
      )
      .bind(hash, now, id),
    auditRow(db, "user.seed", String(row?.["email_key"]), now),
  ]);
}

/** @param {D1Database} db @param {string} action @param {string} emailKey @param {number} now */
function auditRow(db, action, emailKey, now) {
  return db
    .prepare(
      `INSERT INTO audit_log (tenant_id, action, actor_type, actor_id, subject_type, subject_id, detail, request_id, created_at)
       SELECT id, ?, 'system', 'start', 'user', sub, '{}', 'start', ? FROM users WHERE email_key = ?`,
    )
    .bind(action, now, emailKey);
}
