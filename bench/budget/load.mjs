import { Agent, request } from "node:http";
import { percentile } from "../lib/stats.mjs";

/**
 * One way to reserve and settle over HTTP.
 * @typedef {{ name: string, origin: string, reserve: (call: Call) => Send, settle: (call: Call) => Send, headers?: Record<string, string> }} Way
 * @typedef {{ path: string, body: unknown }} Send
 * @typedef {{ id: string, tenant: string, userId: string, amount: number, cost: number }} Call
 * @typedef {{ granted: number, refused: number, failed: number, retries: number, seconds: number, reserveMs: number[], settleMs: number[] }} Round
 */

const TENANTS = 8;
const PEOPLE = 40;

/** @param {Agent} agent @param {Way} way @param {Send} send @returns {Promise<{ status: number, retries: number, ms: number }>} */
function post(agent, way, { path, body }) {
  const text = JSON.stringify(body);
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(`${way.origin}${path}`, { agent, method: "POST", headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...way.headers } }, (answer) => {
      let received = "";
      answer.setEncoding("utf8");
      answer.on("data", (/** @type {string} */ chunk) => (received += chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const retries = received.startsWith('{"retries":') ? Number(JSON.parse(received).retries) : 0;
        resolve({ status: answer.statusCode ?? 0, retries, ms: performance.now() - startedAt });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

/**
 * `callers` at once, each of which reserves and then settles, one call after the other.
 * @param {Way} way @param {{ calls: number, callers: number, round: string }} load @returns {Promise<Round>}
 */
export async function runRound(way, { calls, callers, round }) {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  /** @type {Round} */
  const result = { granted: 0, refused: 0, failed: 0, retries: 0, seconds: 0, reserveMs: [], settleMs: [] };
  let next = 0;
  const caller = async () => {
    for (let i = next++; i < calls; i = next++) {
      const call = { id: `${round}-${i}`, tenant: `bench-${i % TENANTS}`, userId: `bench-${i % PEOPLE}`, amount: 1_003 + (i % 97), cost: 501 + (i % 89) };
      const reserved = await post(agent, way, way.reserve(call));
      result.retries += reserved.retries;
      result.reserveMs.push(reserved.ms);
      if (reserved.status === 429) result.refused++;
      else if (reserved.status !== 201) result.failed++;
      else {
        result.granted++;
        const settled = await post(agent, way, way.settle(call));
        result.retries += settled.retries;
        result.settleMs.push(settled.ms);
        if (settled.status !== 200) result.failed++;
      }
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  result.seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  return result;
}

/** What rounds of one way come to. @param {readonly Round[]} rounds */
export function sumRounds(rounds) {
  const all = (/** @type {(round: Round) => number} */ of) => rounds.reduce((sum, round) => sum + of(round), 0);
  const sorted = (/** @type {(round: Round) => number[]} */ of) => rounds.flatMap(of).sort((a, b) => a - b);
  const [reserveMs, settleMs] = [sorted((round) => round.reserveMs), sorted((round) => round.settleMs)];
  const granted = all((round) => round.granted);
  return {
    granted,
    refused: all((round) => round.refused),
    failed: all((round) => round.failed),
    retries: all((round) => round.retries),
    perSecond: granted / all((round) => round.seconds),
    reserveP50: percentile(reserveMs, 0.5),
    reserveP95: percentile(reserveMs, 0.95),
    settleP50: percentile(settleMs, 0.5),
    settleP95: percentile(settleMs, 0.95),
  };
}
