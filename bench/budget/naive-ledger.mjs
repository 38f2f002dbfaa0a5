/**
 * The ledger that one would write first: rows in D1, read, checked, then updated behind a version guard in one batch, and again when
 * somebody was faster; and the same with conditions instead of versions. Correct, and both keep the same three accounts.
 */

export const NAIVE_SCHEMA = [
  "CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, limit_micros INTEGER, spent INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1)",
  "CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, amount INTEGER NOT NULL, accounts TEXT NOT NULL, status TEXT NOT NULL, cost INTEGER)",
  "CREATE TABLE IF NOT EXISTS guards (id INTEGER PRIMARY KEY, ok INTEGER NOT NULL CHECK (ok = 1))",
];

const TRIES = 50;
const RACE_WAIT_MS = 40;

/** @typedef {{ account: string, limit_micros: number | null, spent: number, reserved: number, version: number }} Row */

const GUARD = "INSERT INTO guards (id, ok) VALUES (1, changes()) ON CONFLICT (id) DO UPDATE SET ok = excluded.ok";

/** @param {D1Database} db @param {string[]} accounts @returns {Promise<Row[]>} */
async function readAccounts(db, accounts) {
  const marks = accounts.map(() => "?").join(", ");
  const read = async () => (await db.prepare(`SELECT * FROM accounts WHERE account IN (${marks})`).bind(...accounts).all()).results;
  let rows = /** @type {Row[]} */ (/** @type {unknown} */ (await read()));
  if (rows.length === accounts.length) return rows;
  await db.batch(accounts.map((account) => db.prepare("INSERT INTO accounts (account) VALUES (?) ON CONFLICT DO NOTHING").bind(account)));
  rows = /** @type {Row[]} */ (/** @type {unknown} */ (await read()));
  return rows;
}

/** Runs `attempt` until nobody was faster. @param {() => Promise<{ status: number } | null>} attempt */
async function retrying(attempt) {
  for (let retries = 0; retries < TRIES; retries++) {
    const answer = await attempt();
    if (answer) return { ...answer, retries };
    await new Promise((resolve) => setTimeout(resolve, Math.random() * RACE_WAIT_MS));
  }
  return { status: 503, retries: TRIES };
}

/** @param {D1Database} db @param {D1PreparedStatement[]} statements @returns {Promise<boolean>} false when a guard missed */
async function commit(db, statements) {
  try {
    await db.batch(statements);
    return true;
  } catch (error) {
    if (String(error).includes("CHECK constraint failed")) return false;
    throw error;
  }
}

/** @param {D1Database} db @param {string} id @param {number} amount @param {string[]} accounts */
export const naiveReserve = (db, id, amount, accounts) =>
  retrying(async () => {
    const rows = await readAccounts(db, accounts);
    if (rows.some(({ limit_micros: limit, spent, reserved }) => limit !== null && spent + reserved + amount > limit)) return { status: 429 };
    const writes = rows.flatMap(({ account, version }) => [
      db.prepare("UPDATE accounts SET reserved = reserved + ?, version = version + 1 WHERE account = ? AND version = ?").bind(amount, account, version),
      db.prepare(GUARD),
    ]);
    const insert = db.prepare("INSERT INTO reservations (id, amount, accounts, status) VALUES (?, ?, ?, 'open')").bind(id, amount, JSON.stringify(accounts));
    return (await commit(db, [...writes, insert])) ? { status: 201 } : null;
  });

/** Without reading first: one batch whose updates hit only what has room. The best that D1 can do; what is refused is told without its reason. @param {D1Database} db @param {string} id @param {number} amount @param {string[]} accounts */
export async function conditionalReserve(db, id, amount, accounts) {
  const writes = accounts.flatMap((account) => [
    db.prepare("INSERT INTO accounts (account) VALUES (?) ON CONFLICT DO NOTHING").bind(account),
    db.prepare("UPDATE accounts SET reserved = reserved + ? WHERE account = ? AND (limit_micros IS NULL OR spent + reserved + ? <= limit_micros)").bind(amount, account, amount),
    db.prepare(GUARD),
  ]);
  const insert = db.prepare("INSERT INTO reservations (id, amount, accounts, status) VALUES (?, ?, ?, 'open')").bind(id, amount, JSON.stringify(accounts));
  return { status: (await commit(db, [...writes, insert])) ? 201 : 429 };
}

/** @param {D1Database} db @param {string} id @param {number} cost */
export const naiveSettle = (db, id, cost) =>
  retrying(async () => {
    const found = /** @type {{ amount: number, accounts: string } | null} */ (await db.prepare("SELECT amount, accounts FROM reservations WHERE id = ? AND status = 'open'").bind(id).first());
    if (!found) return { status: 409 };
    const close = db.prepare("UPDATE reservations SET status = 'settled', cost = ? WHERE id = ? AND status = 'open'").bind(cost, id);
    const moves = /** @type {string[]} */ (JSON.parse(found.accounts)).map((account) => db.prepare("UPDATE accounts SET reserved = reserved - ?, spent = spent + ?, version = version + 1 WHERE account = ?").bind(found.amount, cost, account));
    return (await commit(db, [close, db.prepare(GUARD), ...moves])) ? { status: 200 } : null;
  });
