import { env } from "cloudflare:workers";
import { createSystemContext } from "../../src/context";
import type { Env } from "../../src/env";
import type { OwnerCtx } from "../../src/kernel/context";
import { uniqueName } from "./client";

/** What a read costs D1: its statements, how SQLite means to run them, and the rows that it read for them. */

const bindings = env as unknown as Env;

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface Cost {
  /** Statements sent to D1. */
  readonly queries: number;
  readonly rowsRead: number;
  /** Lines of EXPLAIN QUERY PLAN. */
  readonly plan: readonly string[];
  /** Lines that walk through a whole table, not through an index. */
  readonly scans: readonly string[];
}

/** Runs `read` in the context of an administrator and tells its result with its cost. */
export async function costOf<T>(read: (ctx: OwnerCtx) => Promise<T>): Promise<{ readonly result: T; readonly cost: Cost }> {
  const sent: Statement[] = [];
  const prepare = (text: string): D1PreparedStatement => {
    const plain = bindings.DB.prepare(text);
    const noted = (statement: D1PreparedStatement, values: readonly unknown[]): D1PreparedStatement =>
      new Proxy(statement, {
        get: (target, name) => {
          if (name === "bind") return (...bound: unknown[]) => noted(target.bind(...bound), bound);
          const member = Reflect.get(target, name) as unknown;
          if (typeof member !== "function") return member;
          if (name === "all" || name === "raw" || name === "run" || name === "first") sent.push({ text, values });
          return member.bind(target) as unknown;
        },
      });
    return noted(plain, []);
  };
  const DB = new Proxy(bindings.DB, { get: (target, name) => (name === "prepare" ? prepare : Reflect.get(target, name)) });
  const context = createSystemContext({ ...bindings, DB }, { waitUntil: () => undefined }, "test", uniqueName("req"));
  const ctx = { ...context, db: context.db, actor: { type: "user", userId: 1, sub: "s", sessionId: 1, epoch: 0, role: "admin", expiresAt: 0 } } as OwnerCtx;
  const result = await read(ctx);
  const again = await Promise.all(
    sent.map(async ({ text, values }) => {
      const [{ meta }, { results }] = await Promise.all([bindings.DB.prepare(text).bind(...values).all(), bindings.DB.prepare(`EXPLAIN QUERY PLAN ${text}`).bind(...values).all<{ detail: string }>()]);
      return { rowsRead: meta.rows_read, plan: results.map((line) => line.detail) };
    }),
  );
  const plan = again.flatMap((one) => one.plan);
  const scans = plan.filter((line) => /^SCAN (?!CONSTANT)/.test(line) && !/USING (COVERING )?INDEX/.test(line));
  return { result, cost: { queries: sent.length, rowsRead: again.reduce((sum, one) => sum + one.rowsRead, 0), plan, scans } };
}

/** Fills a table with one statement. `text` may use `n`, 1 to `count`. */
export const fill = (count: number, text: (numbers: string) => string): Promise<unknown> =>
  bindings.DB.prepare(text(`(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count}) SELECT n FROM numbers)`)).run();
