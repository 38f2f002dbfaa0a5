import { hashPassword } from "../argon2.mjs";
import { billingTables } from "./billing.mjs";
import { botTables } from "./bots.mjs";
import { insertRows } from "./insert.mjs";
import { machineTables } from "./machines.mjs";
import { operationTables } from "./operations.mjs";
import { peopleTables } from "./people.mjs";
import { createRandom } from "./random.mjs";
import { createSealer } from "./secrets.mjs";
import { createWorld } from "./world.mjs";

/** @typedef {import("../migrations.mjs").D1Database} D1Database */
/** @typedef {{ users: number, machines: number, bots: number, months: number, seed: string, until: number }} SeedSizes */
/** What rows are bound to. @typedef {{ PASSWORD_PEPPER: string, SEAL_KEYS: string, TOKEN_KEYS: string, MATRIX_SERVER_NAME?: string }} SeedSecrets */

/** Of every seeded person; only of local state folders, which hold nobody real. */
export const SEED_PASSWORD = "Seed-password-2026";
/** A superadmin; `warden@seed.example` is an admin. */
export const SEED_ADMIN = "keeper@seed.example";

/**
 * Fills a migrated database. The same sizes, seed and `until` give the same rows, but for what depends on the folder's secrets.
 * @param {D1Database} db
 * @param {SeedSizes} sizes `until` (ms): the moment at which the rows end
 * @param {SeedSecrets} secrets
 * @param {{ table: (table: string, rows: number, ms: number) => void, progress?: (table: string, rows: number) => void }} report
 * @returns {Promise<{ tables: Record<string, number>, rows: number }>}
 * @throws when it was filled before
 */
export async function seedDatabase(db, sizes, secrets, report) {
  if (await db.prepare("SELECT 1 FROM users WHERE email_key = ?").bind(SEED_ADMIN).first()) throw new Error("This database holds seeded rows already. Take another state folder, or delete this one.");
  const pepper = Buffer.from(secrets.PASSWORD_PEPPER, "base64url");
  const highest = await db.prepare("SELECT coalesce(max(id), 0) AS id FROM users").first();
  const serverName = secrets.MATRIX_SERVER_NAME || "sett.localhost";
  const world = createWorld({ ...sizes, serverName, firstUserId: Number(highest?.["id"] ?? 0) + 1 }, await readPlans(db));
  const sealer = createSealer({ sealKeys: secrets.SEAL_KEYS, tokenKeys: secrets.TOKEN_KEYS, pepper }, createRandom(sizes.seed, "seals"));
  const passwordHash = await hashPassword(SEED_PASSWORD, pepper);

  /** @type {Record<string, number>} */
  const tables = {};
  let rows = 0;
  for (const source of [...peopleTables(world, passwordHash, sealer), ...machineTables(world, sealer), ...botTables(world, sealer), ...billingTables(world), ...operationTables(world, sealer)]) {
    const startedAt = performance.now();
    const count = await insertRows(db, source, (done) => report.progress?.(source.table, done));
    tables[source.table] = count;
    rows += count;
    report.table(source.table, count, performance.now() - startedAt);
  }
  return { tables, rows };
}

/** What plans carry, by tier. @param {D1Database} db @returns {Promise<import("./world.mjs").PlanCaps[]>} */
async function readPlans(db) {
  const { results } = await db
    .prepare(
      `SELECT p.id, p.key, p.tier, p.monthly_web_price AS price, f.key AS feature, coalesce(v.value, f.default_value, '0') AS value
       FROM plans p CROSS JOIN features f LEFT JOIN plan_features v ON v.plan_id = p.id AND v.feature_id = f.id
       WHERE f.key IN ('multiple_openclaw_instances', 'max_bots', 'max_bot_shares') ORDER BY p.tier, p.id`,
    )
    .all();
  const cap = (/** @type {unknown} */ text) => (text === "-1" || text === "unlimited" ? Infinity : Number(text));
  /** @type {Map<unknown, import("./world.mjs").PlanCaps>} */
  const plans = new Map();
  for (const row of results) {
    const plan = plans.get(row["id"]) ?? { id: Number(row["id"]), key: String(row["key"]), tier: Number(row["tier"]), machines: 0, bots: 0, shares: 0, price: row["price"] === null ? null : Number(row["price"]) };
    if (row["feature"] === "multiple_openclaw_instances") plan.machines = cap(row["value"]);
    else if (row["feature"] === "max_bots") plan.bots = cap(row["value"]);
    else plan.shares = cap(row["value"]);
    plans.set(row["id"], plan);
  }
  return [...plans.values()];
}
