/** Migrations: numbered without gaps, and together exactly the schema that the code declares. */
import { DatabaseSync } from "node:sqlite";
import { inRoot, TOOLS } from "../lib/paths.mjs";
import { findNumberingFaults, readMigrations } from "../lib/migrations.mjs";
import { runNode } from "../lib/run.mjs";

/** @typedef {Map<string, string>} Facts what a schema holds: a name for each thing and its description */

/** @returns {Promise<string[]>} faults */
export async function checkMigrations() {
  const migrations = readMigrations(inRoot("migrations"));
  const faults = findNumberingFaults(migrations.map(({ name }) => name));
  const built = new DatabaseSync(":memory:");
  for (const { name, sql } of migrations) {
    try {
      built.exec(sql);
    } catch (error) {
      return [...faults, `${name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  }
  const { output } = await runNode("drizzle-kit export", [TOOLS.drizzleKit, "export", "--config", inRoot("drizzle.config.ts")]);
  const declared = new DatabaseSync(":memory:");
  declared.exec(output.slice(Math.max(0, output.search(/CREATE /))));
  return [...faults, ...compareSchemas(describeSchema(built), describeSchema(declared))];
}

/** @param {Facts} migrated @param {Facts} declared */
export function compareSchemas(migrated, declared) {
  /** @type {string[]} */
  const faults = [];
  for (const [name, text] of declared) {
    const mine = migrated.get(name);
    if (mine === undefined) faults.push(`${name} is in src/schema but no migration makes it`);
    else if (mine !== text) faults.push(`${name} differs: migrations make ${mine}, src/schema says ${text}`);
  }
  for (const name of migrated.keys()) if (!declared.has(name)) faults.push(`${name} is made by a migration but not in src/schema`);
  return faults;
}

/**
 * Columns, indexes, checks and autoincrement of every table. The order of columns does not count, because ALTER TABLE adds at the end.
 * @param {DatabaseSync} db
 * @returns {Facts}
 */
export function describeSchema(db) {
  /** @type {Facts} */
  const facts = new Map();
  for (const { name: table, sql } of all(db, "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
    const text = String(sql);
    for (const column of all(db, `PRAGMA table_xinfo("${table}")`)) {
      const { name, type, notnull, dflt_value: fallback, pk, hidden } = column;
      facts.set(`column ${table}.${name}`, `${String(type).toLowerCase()}${notnull ? " not null" : ""}${fallback === null ? "" : ` default ${fallback}`}${pk ? ` key ${pk}` : ""}${hidden ? " generated" : ""}`);
    }
    facts.set(`table ${table}`, [/autoincrement/i.test(text) ? "autoincrement" : "plain", ...[...text.matchAll(/CHECK\s*\((.*?)\)\s*(?:,|\n|$)/gis)].map(([, check]) => `check ${squash(check ?? "")}`)].join(" "));
    for (const index of all(db, `PRAGMA index_list("${table}")`)) {
      if (index["origin"] !== "c") continue;
      const columns = all(db, `PRAGMA index_info("${index["name"]}")`).map((row) => row["name"] ?? "expression");
      const source = String(db.prepare("SELECT sql FROM sqlite_master WHERE name = ?").get(String(index["name"]))?.["sql"]);
      const where = /\bWHERE\b(.*)$/is.exec(source)?.[1];
      facts.set(`index ${index["name"]}`, `${table}(${columns.join(", ")})${index["unique"] ? " unique" : ""}${where === undefined ? "" : ` where ${squash(where)}`}`);
    }
  }
  return facts;
}

/** @param {DatabaseSync} db @param {string} sql @returns {Record<string, import("node:sqlite").SQLOutputValue>[]} */
const all = (db, sql) => db.prepare(sql).all();

/** @param {string} text */
const squash = (text) => text.replaceAll(/["`]/g, "").replaceAll(/\s+/g, " ").trim().toLowerCase();
