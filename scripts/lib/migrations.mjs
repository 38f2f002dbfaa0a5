import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { splitStatements } from "./sql.mjs";

/** @typedef {{ name: string, sql: string }} Migration */

/** The part of a D1 binding that migrations use. @typedef {import("@cloudflare/workers-types/experimental").D1Database} D1Database */

// The very table that `wrangler d1 migrations` keeps, so that both agree on what has run.
const CREATE_JOURNAL = `CREATE TABLE IF NOT EXISTS d1_migrations(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** The migration files in order. @param {string} folder @returns {Migration[]} */
export function readMigrations(folder) {
  return readdirSync(folder).filter((name) => name.endsWith(".sql")).sort().map((name) => ({ name, sql: readFileSync(join(folder, name), "utf8") }));
}

/** What is wrong with the numbering: each file needs its own number, from 0001 on without a gap. @param {readonly string[]} names */
export function findNumberingFaults(names) {
  /** @type {string[]} */
  const faults = [];
  [...names].sort().forEach((name, index) => {
    const number = /^(\d{4})_[a-z][a-z0-9]*(?:_[a-z0-9]+)+\.sql$/.exec(name)?.[1];
    if (number === undefined) faults.push(`${name}: must be called NNNN_feature_what.sql`);
    else if (Number(number) !== index + 1) faults.push(`${name}: expected number ${String(index + 1).padStart(4, "0")}`);
  });
  return faults;
}

/**
 * Applies what has not run yet, each file and its journal row in one transaction.
 * @param {D1Database} db
 * @param {readonly Migration[]} migrations
 * @returns {Promise<string[]>} names of those applied now
 * @throws naming the file that failed; it left nothing behind
 */
export async function applyMigrations(db, migrations) {
  await db.prepare(CREATE_JOURNAL).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all();
  const done = new Set(results.map((row) => row["name"]));
  /** @type {string[]} */
  const applied = [];
  for (const { name, sql } of migrations) {
    if (done.has(name)) continue;
    const statements = splitStatements(sql).map((statement) => db.prepare(statement));
    try {
      await db.batch([...statements, db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name)]);
    } catch (error) {
      throw new Error(`Migration ${name} failed and was rolled back: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    applied.push(name);
  }
  return applied;
}
