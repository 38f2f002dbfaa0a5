import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { SQL, SQLWrapper } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { sql } from "drizzle-orm";
import { AppError } from "../errors/app-error";
import { auditRow, type AuditEntry } from "../audit/audit";
import { sealEffect, type Effect } from "../outbox/effects";
import { writeGuards } from "../../schema/kernel";
import type { Ctx } from "../context";

const RACE_WAIT_MS = 40;

/** A prepared Drizzle statement that a batch accepts. */
type Statement = BatchItem<"sqlite"> & SQLWrapper;

/** Reads run at once; writes are collected in a {@link Plan} and committed together. */
export type Db = DrizzleD1Database;

export const createDb = (binding: D1Database): Db => drizzle(binding);

/**
 * All the writes of one verb. D1 has no interactive transactions: `db.batch` is its only atomic unit, so a verb reads first,
 * then commits one plan: its writes, their lost-update guards, audit rows and outbox effects.
 */
export class Plan {
  readonly #statements: Statement[] = [];
  readonly #effects: Effect[] = [];
  readonly #ctx: Ctx;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  /** Adds a write. */
  write(statement: Statement): this {
    this.#statements.push(statement);
    return this;
  }

  /** Adds an update that must hit exactly one row; when it does not, nothing of the plan is kept and `commit` throws {@link LostUpdateError}. */
  guarded(statement: Statement): this {
    return this.write(statement).require(sql`changes()`);
  }

  /** Adds a condition (1 or 0) that must hold at this point of the batch, for example that a cap is still kept; otherwise as {@link guarded}. */
  require(condition: SQL): this {
    const ok = sql<number>`${condition}`;
    return this.write(this.#ctx.db.insert(writeGuards).values({ id: 1, ok }).onConflictDoUpdate({ target: writeGuards.id, set: { ok: sql`excluded.ok` } }));
  }

  /** Adds the row that says who did this. */
  audit(entry: AuditEntry): this {
    this.#statements.push(auditRow(this.#ctx, entry));
    return this;
  }

  /** Adds something that must happen after the commit, at least once. */
  effect(effect: Effect): this {
    this.#effects.push(effect);
    return this;
  }

  /**
   * Writes everything or nothing.
   * @returns one D1 result per statement, in the order of the calls (a guard counts as a statement of its own).
   * @throws LostUpdateError when a guarded update missed its row; AppError CONFLICT never (uniqueness is the verb's to name, see {@link isUniqueViolation}).
   */
  async commit(): Promise<readonly unknown[]> {
    const sealed = await Promise.all(this.#effects.map((effect) => sealEffect(this.#ctx, effect)));
    const [first, ...rest] = [...this.#statements, ...sealed.map((e) => e.statement)];
    if (!first) return [];
    let results: readonly unknown[];
    try {
      results = await this.#ctx.db.batch([first, ...rest]);
    } catch (error) {
      if (errorText(error).includes("write_guards_ok")) throw new LostUpdateError(error);
      throw error;
    }
    if (sealed.length > 0) await this.#ctx.pokeOutbox(sealed.map(({ id }, index) => ({ id, type: this.#effects[index]?.type ?? "" })));
    return results;
  }
}

/** Somebody changed the row between our read and our write. Safe to read again and retry. */
export class LostUpdateError extends AppError {
  constructor(cause: unknown) {
    super("CONFLICT", "This was changed by someone else at the same time; try again.", { cause });
    this.name = "LostUpdateError";
  }
}

/** Whether a commit failed because `column` (as `table.column`) or the named unique index already holds the value. */
export function isUniqueViolation(error: unknown, columnOrIndex: string): boolean {
  const text = errorText(error);
  return text.includes("UNIQUE constraint failed") && text.includes(columnOrIndex);
}

/** Runs `attempt` again when it lost an update race, after a short random wait; so many races in a row are reported. */
export async function retryLostUpdate<T>(attempt: () => Promise<T>, tries = 8): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof LostUpdateError) || left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * RACE_WAIT_MS));
    }
  }
}

/** Messages of an error and its causes: Drizzle wraps what D1 said. */
function errorText(error: unknown): string {
  const texts: string[] = [];
  for (let e: unknown = error; e instanceof Error; e = e.cause) texts.push(e.message);
  return texts.join(" | ");
}
