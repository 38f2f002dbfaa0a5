import { env } from "cloudflare:workers";
import { effectHandlers } from "../../src/effects";
import { createSystemContext } from "../../src/context";
import type { Env } from "../../src/env";
import type { Ctx } from "../../src/kernel/context";
import { createDb } from "../../src/kernel/db/client";
import { deliverEffect } from "../../src/kernel/outbox/drain";
import { uniqueName } from "./client";

/** A worker that dies at a step of the test's choice: before or after the `nth` thing by which it changes the world outside. */

const bindings = env as unknown as Env;

class Killed extends Error {
  override readonly name = "Killed";
}

export interface Cut {
  readonly nth: number;
  readonly when: "before" | "after";
}

/** Calls of objects that change nothing there. */
const LOOKS = new Set(["getState", "look", "list", "pendingEntries", "listPolicies"]);
const READS = /^\s*select\b/i;

class Worker {
  /** Which step it died at; null while it lives. */
  diedAt: string | null = null;
  /** Steps that change something, in order. */
  readonly steps: string[] = [];
  readonly deferred: Promise<unknown>[] = [];
  readonly later: (() => Promise<unknown>)[] = [];

  constructor(readonly cut: Cut | null) {}

  async step<T>(name: string, writes: boolean, work: () => Promise<T>): Promise<T> {
    if (this.diedAt !== null) throw new Killed("dead");
    const isLast = writes && this.cut?.nth === this.steps.length;
    if (writes) this.steps.push(name);
    if (isLast && this.cut?.when === "before") throw this.#die(`before ${name}`);
    const value = await work();
    if (isLast) throw this.#die(`after ${name}`);
    return value;
  }

  #die(at: string): Killed {
    this.diedAt = at;
    return new Killed(at);
  }

  context(): Ctx {
    const objects = { ...bindings, ...Object.fromEntries((["TENANT_DO", "DIRECTORY_DO", "ORG_DO"] as const).map((name) => [name, this.#objects(bindings[name] as DurableObjectNamespace)])) };
    const DB = this.#database(bindings.DB);
    const base = createSystemContext({ ...bindings, DB } as Env, { waitUntil: (work) => void this.deferred.push(work) }, "test", uniqueName("req"));
    const ctx: Ctx = {
      ...base,
      actor: { type: "operator", id: "cut", label: "cut", session: null },
      db: createDb(DB),
      objects: objects as unknown as Ctx["objects"],
      services: { ...base.services, jobs: { send: (job, delay) => this.step(`send ${job.type}`, true, () => base.services.jobs.send(job, delay)) } },
      defer: (work) => void this.deferred.push(work),
      pokeOutbox: async (effects) => {
        // What other features make of the change is theirs to test.
        for (const { id } of effects.filter(({ type }) => type === "tenants.reconcile")) this.later.push(() => deliverEffect(ctx, effectHandlers, id));
      },
    };
    return ctx;
  }

  #database(db: D1Database): D1Database {
    const real = new WeakMap<object, D1PreparedStatement>();
    const wrapped = (statement: D1PreparedStatement, text: string): D1PreparedStatement => {
      const ask = <T>(work: () => Promise<T>): Promise<T> => this.step(`D1 ${text.slice(0, 40)}`, !READS.test(text), work);
      const made = {
        bind: (...values: unknown[]) => wrapped(statement.bind(...values), text),
        first: (...args: unknown[]) => ask(() => (statement.first as (...some: unknown[]) => Promise<unknown>)(...args)),
        all: () => ask(() => statement.all()),
        run: () => ask(() => statement.run()),
        raw: (options?: { columnNames?: false }) => ask(() => statement.raw(options)),
      };
      real.set(made, statement);
      return made as unknown as D1PreparedStatement;
    };
    return {
      prepare: (text: string) => wrapped(db.prepare(text), text),
      batch: (statements: D1PreparedStatement[]) => this.step(`D1 batch of ${statements.length}`, true, () => db.batch(statements.map((statement) => real.get(statement) ?? statement))),
    } as unknown as D1Database;
  }

  #objects(namespace: DurableObjectNamespace): DurableObjectNamespace {
    const counted = (stub: object): object =>
      new Proxy(stub, {
        get: (target, method) => {
          const found: unknown = Reflect.get(target, method, target);
          if (typeof found !== "function" || typeof method !== "string") return found;
          return (...args: unknown[]) => this.step(`object.${method}`, !LOOKS.has(method), async () => (target as Record<string, (...some: unknown[]) => unknown>)[method]?.(...args));
        },
      });
    return { getByName: (name: string) => counted(namespace.getByName(name)) } as unknown as DurableObjectNamespace;
  }
}

export interface Outcome<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly diedAt: string | null;
  readonly steps: readonly string[];
}

/** Does the work and all that it leaves for later, until the cut. */
export async function underCut<T>(cut: Cut | null, work: (ctx: Ctx) => Promise<T>): Promise<Outcome<T>> {
  const worker = new Worker(cut);
  const outcome = await work(worker.context()).then((value) => ({ value, error: undefined }), (error: unknown) => ({ value: undefined, error }));
  while (worker.deferred.length + worker.later.length > 0) {
    await Promise.allSettled(worker.deferred.splice(0));
    await worker.later.shift()?.().catch(() => undefined);
  }
  return { ...outcome, diedAt: worker.diedAt, steps: worker.steps };
}

/** A worker that nothing happens to. */
export async function healthy<T>(work: (ctx: Ctx) => Promise<T>): Promise<T> {
  const { value, error } = await underCut(null, work);
  if (error !== undefined) throw error;
  // Without an error there is a value, were it undefined.
  return value as T;
}
