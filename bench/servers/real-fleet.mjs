/**
 * A fleet made through the public API: accounts sign up, read their code in the local mailbox, verify and log in; each machine
 * gets a CLI token of its own and registers with it.
 */

/** @typedef {import("../load/links.mjs").Machine} Machine */

/** Machines of one account; the local plan's cap is raised to this (see {@link raisePlanCap}). */
export const MACHINES_PER_ACCOUNT = 50;
const LANES = 8;
const PASSWORD = "correct horse battery";

/**
 * Lets the trial plan carry {@link MACHINES_PER_ACCOUNT} machines, in the database and before the server starts. With the
 * published three, a thousand machines would need 334 sign-ups, and hashing their passwords would be most of the run.
 * @param {import("../../scripts/lib/migrations.mjs").D1Database} db
 */
export async function raisePlanCap(db) {
  await db
    .prepare("UPDATE plan_features SET value = ? WHERE plan_id = (SELECT id FROM plans WHERE key = 'free_trial') AND feature_id = (SELECT id FROM features WHERE key = 'multiple_openclaw_instances')")
    .bind(String(MACHINES_PER_ACCOUNT))
    .run();
}

/**
 * @template [T=Record<string, string>]
 * @param {string} origin @param {string} method @param {string} path @param {{ token?: string, body?: unknown }} [options]
 * @returns {Promise<T>} the answer's JSON
 */
async function call(origin, method, path, { token, body } = {}) {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** @param {string} origin @param {string} email */
async function mailedCode(origin, email) {
  for (let tries = 0; tries < 100; tries++) {
    /** @type {{ text: string }[]} */
    const mails = await call(origin, "GET", `/dev/mailbox?to=${encodeURIComponent(email)}`);
    const code = /\b(\d{6})\b/.exec(mails[0]?.text ?? "")?.[1];
    if (code !== undefined) return code;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no code was mailed to ${email}`);
}

/** @param {string} origin @param {number} index @returns {Promise<string>} an access token */
async function signUp(origin, index) {
  const username = `bench${index}`;
  const email = `${username}@example.org`;
  await call(origin, "POST", "/api/v1/user/signup", { body: { email, username, password: PASSWORD, name: "Bench" } });
  await call(origin, "POST", "/api/v1/user/signup/verify", { body: { email, code: await mailedCode(origin, email) } });
  const { access_token: token } = await call(origin, "POST", "/api/v1/user/login", { body: { username: email, password: PASSWORD } });
  return String(token);
}

/** @param {string} origin @param {string} userToken @param {number} index @returns {Promise<Machine>} */
async function registerMachine(origin, userToken, index) {
  /** @type {{ token: string }} */
  const { token } = await call(origin, "POST", "/api/v1/user/cli-tokens", { token: userToken, body: { name: `machine ${index}`, expires_in: "24h" } });
  /** @type {{ instance_id: string }} */
  const { instance_id: instanceId } = await call(origin, "POST", "/api/v1/openclaw/register", { token, body: { instance_id: `bench-${index}`, label: "den", version: "1.0.0" } });
  return { instanceId, token, userToken };
}

/** Runs `work` for 0 to `count` - 1, a few at a time. @template T @param {number} count @param {(index: number) => Promise<T>} work @returns {Promise<T[]>} */
export async function inLanes(count, work) {
  /** @type {T[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

/** @param {string} origin @param {number} machines @returns {Promise<Machine[]>} */
export async function createRealFleet(origin, machines) {
  const users = await inLanes(Math.ceil(machines / MACHINES_PER_ACCOUNT), (index) => signUp(origin, index));
  return inLanes(machines, (index) => registerMachine(origin, String(users[Math.floor(index / MACHINES_PER_ACCOUNT)]), index));
}
