/**
 * The ledger as it runs in the product, and the obvious ledger in D1, behind the same thin door:
 * `POST /<ledger>/reserve {id, amount, tenant, userId}` and `POST /<ledger>/settle {id, cost}`, both with `?limit=` for the organisation.
 */
import { conditionalReserve, naiveReserve, naiveSettle, NAIVE_SCHEMA } from "./naive-ledger.mjs";

export { BudgetDO } from "../../durable-objects/budget/budget-do";

const OWNER = "bench";
const TTL_MS = 600_000;
const BY = { actorType: "system", actorId: "bench", requestId: "bench", ip: null, userAgent: null, at: 0 };

/** @typedef {{ BUDGET_DO: { getByName: (name: string) => any }, DB: D1Database }} Env */
/** @typedef {{ id: string, amount: number, cost: number, tenant: string, userId: string }} Call */

/** @type {Record<string, Record<string, (env: Env, call: Call) => Promise<{ status: number, retries?: number }>>>} */
const LEDGERS = {
  object: {
    reserve: async (env, { id, amount, tenant, userId }) => {
      const verdict = await env.BUDGET_DO.getByName("org").reserve({ owner: OWNER, id, amount, accounts: ["global", `tenant:${tenant}`, `user:${userId}`], toldLimits: { [`tenant:${tenant}`]: null }, tenant, userId, model: null, ttlMs: TTL_MS });
      return { status: verdict.kind === "granted" ? 201 : 429 };
    },
    settle: async (env, { id, cost }) => {
      const verdict = await env.BUDGET_DO.getByName("org").settle(OWNER, id, { cost, model: "m", inputTokens: 1, outputTokens: 1 });
      return { status: verdict.kind === "settled" ? 200 : 409 };
    },
  },
  naive: {
    reserve: (env, { id, amount, tenant, userId }) => naiveReserve(env.DB, id, amount, ["global", `tenant:${tenant}`, `user:${userId}`]),
    settle: (env, { id, cost }) => naiveSettle(env.DB, id, cost),
  },
  conditional: {
    reserve: (env, { id, amount, tenant, userId }) => conditionalReserve(env.DB, `c-${id}`, amount, ["global", `tenant:${tenant}`, `user:${userId}`]),
    settle: (env, { id, cost }) => naiveSettle(env.DB, `c-${id}`, cost),
  },
};

export default {
  /** @param {Request} request @param {Env} env */
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/begin") {
      const limit = Number(searchParams.get("limit"));
      for (const statement of NAIVE_SCHEMA) await env.DB.prepare(statement).run();
      await env.DB.prepare("INSERT INTO accounts (account, limit_micros) VALUES ('global', ?) ON CONFLICT (account) DO UPDATE SET limit_micros = excluded.limit_micros").bind(limit).run();
      await env.BUDGET_DO.getByName("org").setLimit("global", limit, "budget.set", BY);
      return new Response("ok");
    }
    const [, ledger = "", verb = ""] = pathname.split("/");
    const act = LEDGERS[ledger]?.[verb];
    if (!act) return new Response(null, { status: 404 });
    const { status, retries = 0 } = await act(env, await request.json());
    return Response.json({ retries }, { status });
  },
  /** What the ledger tells D1 of goes nowhere here. @param {{ ackAll: () => void }} batch */
  async queue(batch) {
    batch.ackAll();
  },
};
