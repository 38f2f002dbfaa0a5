/**
 * `npm run bench:identity`: does the time of an answer tell whether an account exists? Asks a local server of its own for known and
 * unknown names in random order and compares the two distributions. With `--rounds N` more or fewer pairs.
 */
import { parseArgs } from "node:util";
import { newState, removeState, startServer } from "../../test/support/server.mjs";
import { effectSize, median, quantile } from "./statistics.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "150" } } });
const ROUNDS = Number(values.rounds);
const WARM_UP = 10;
const KNOWN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };

/** @param {string} origin @param {string} path @param {unknown} body @returns {Promise<number>} milliseconds until the answer's last byte */
async function ask(origin, path, body) {
  const startedAt = performance.now();
  const response = await fetch(`${origin}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  await response.arrayBuffer();
  return performance.now() - startedAt;
}

/** Somebody who signed up and has not verified the address yet. */
const WAITING = { name: "Waiting", email: "waiting@sett.localhost", username: "waiting", password: "Badger-sett-2026" };

/** What is asked, by the name it is asked about. @type {readonly { name: string, path: string, known?: string, body: (email: string) => unknown }[]} */
const QUESTIONS = [
  { name: "login, wrong password", path: "/api/v1/user/login", body: (email) => ({ username: email, password: "wrong password" }) },
  { name: "forgot password", path: "/api/v1/user/forgot-password", body: (email) => ({ email }) },
  { name: "resend the sign-up code", path: "/api/v1/user/signup/resend-code", known: WAITING.email, body: (email) => ({ email }) },
  { name: "reset password, wrong code", path: "/api/v1/user/reset-password", body: (email) => ({ email, code: "000000", new_password: "correct horse battery" }) },
];

/** @param {string} origin @param {typeof QUESTIONS[number]} question */
async function compare(origin, { name, path, known = KNOWN.email, body }) {
  const times = { known: /** @type {number[]} */ ([]), unknown: /** @type {number[]} */ ([]) };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const order = /** @type {("known" | "unknown")[]} */ (Math.random() < 0.5 ? ["known", "unknown"] : ["unknown", "known"]);
    for (const kind of order) {
      const took = await ask(origin, path, body(kind === "known" ? known : `nobody${round + WARM_UP}@sett.localhost`));
      if (round >= 0) times[kind].push(took);
    }
  }
  const { overlap, p } = effectSize(times.known, times.unknown);
  const row = (/** @type {number[]} */ list) => `median ${median(list).toFixed(2)} ms (10 %: ${quantile(list, 0.1).toFixed(2)}, 90 %: ${quantile(list, 0.9).toFixed(2)})`;
  process.stdout.write(`${name}\n  known    ${row(times.known)}\n  unknown  ${row(times.unknown)}\n  chance that a known one takes longer ${overlap.toFixed(3)} (0.5 tells nothing), Mann-Whitney p = ${p.toFixed(3)}\n`);
}

const stateDir = newState();
const server = await startServer({ stateDir, env: { SETT_ADMIN_EMAIL: KNOWN.email, SETT_ADMIN_PASSWORD: KNOWN.password, RATE_LIMITS: "off" } });
try {
  process.stdout.write(`${ROUNDS} pairs a question, one request at a time\n`);
  await ask(server.origin, "/api/v1/user/signup", WAITING);
  for (const question of QUESTIONS) await compare(server.origin, question);
} finally {
  await server.stop();
  removeState(stateDir);
}
