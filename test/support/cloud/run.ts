import { effectHandlers } from "../../../src/effects";
import { families } from "../../../src/families";
import type { Env } from "../../../src/env";
import { readEnv } from "../../../src/env";
import type { Actor } from "../../../src/kernel/auth/actor";
import { systemClock } from "../../../src/kernel/clock";
import type { Ctx } from "../../../src/kernel/context";
import { createDb } from "../../../src/kernel/db/client";
import { createLogger } from "../../../src/kernel/logging/logger";
import { deliverEffect } from "../../../src/kernel/outbox/drain";
import type { Compute } from "../../../src/kernel/ports/compute";
import { createServices } from "../../../src/services";
import { BASE_URL, uniqueName } from "../client";
import { bindings, logged, put } from "./time";

/** What a worker that was killed says to its own code: nothing of what it does from then on happens. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** Something that a worker asks of the world outside: `writes` when the world may be another afterwards. */
export interface Outgoing {
  readonly name: string;
  readonly writes: boolean;
}

/** Where a worker dies: before or after the `nth` (0) thing that it asks of the world, among all or among those that write. */
export interface Cut {
  readonly nth: number;
  readonly when: "before" | "after";
}

/** Counts what workers ask of the world, and kills the one that comes to the cut. */
export class Counter {
  readonly calls: Outgoing[] = [];
  #cut: Cut | null = null;
  #writes = 0;
  /** Which call it hit; null while it has not. */
  hit: string | null = null;
  /** Parts of a race wait here before each of their calls. */
  pace: ((call: Outgoing, run: Run) => Promise<void>) | null = null;

  /** Counts from the start; the `nth` writing call is the worker's last, or the first that it does not come to. */
  arm(cut: Cut | null): void {
    this.#cut = cut;
    this.#writes = 0;
    this.hit = null;
    this.calls.length = 0;
  }

  /** From now on nobody is killed; what was hit stays known. */
  disarm(): void {
    this.#cut = null;
  }

  async call<T>(run: Run, call: Outgoing, work: () => Promise<T>): Promise<T> {
    if (run.isDead) throw new Killed("dead");
    if (this.pace) await this.pace(call, run);
    this.calls.push(call);
    const isHit = call.writes && this.#cut !== null && this.#writes++ === this.#cut.nth;
    if (isHit && this.#cut?.when === "before") throw this.#kill(run, call, "before");
    const outcome = await work().then((value) => ({ ok: true as const, value }), (error: unknown) => ({ ok: false as const, error }));
    // Whatever came of it, a dead worker does not hear of it.
    if (run.isDead) throw new Killed("dead");
    if (isHit) throw this.#kill(run, call, "after");
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  #kill(run: Run, { name }: Outgoing, when: string): Killed {
    run.isDead = true;
    this.hit = `${when} ${name}`;
    return new Killed("killed");
  }
}

/** One invocation of the worker: a request, a message or a tick. */
export class Run {
  isDead = false;
  readonly deferred: Promise<unknown>[] = [];
  /** Effects wait until the work is done, so that the order of calls is the same each time. */
  readonly #later: (() => Promise<unknown>)[] = [];

  constructor(
    readonly counter: Counter,
    readonly label: string,
    readonly compute: Compute,
  ) {}

  call<T>(name: string, writes: boolean, work: () => Promise<T>): Promise<T> {
    return this.counter.call(this, { name: `${this.label}: ${name}`, writes }, work);
  }

  /** A context like that of src/context.ts, of which every call outside is counted. */
  context(actor: Actor): Ctx {
    const env = { ...bindings, DB: countedDatabase(this, bindings.DB), INSTANCE_DO: countedObjects(this, bindings.INSTANCE_DO), ACCOUNT_FEED_DO: countedObjects(this, bindings.ACCOUNT_FEED_DO) } as Env;
    const db = createDb(env.DB);
    const requestId = uniqueName("req");
    const ctx: Ctx = {
      actor,
      requestId,
      client: { ip: "192.0.2.1", userAgent: null, origin: BASE_URL },
      config: readEnv(bindings),
      clock: systemClock,
      log: createLogger({ request_id: requestId }, (_, line) => void logged.push(line)),
      db,
      objects: env,
      services: {
        ...createServices(bindings, db),
        compute: countedCompute(this),
        jobs: { send: (job, delaySeconds = 0) => this.call(`send ${job.type}`, true, async () => put(job, delaySeconds)) },
      },
      sealedColumns: async () => (await Promise.all(families.map((family) => family.sealedColumns()))).flat(),
      defer: (work) => void this.deferred.push(work),
      pokeOutbox: async (effects) => {
        const system = actor.type === "system" ? ctx : this.context({ type: "system", job: "outbox" });
        for (const { id } of effects) this.#later.push(() => deliverEffect(system, effectHandlers, id));
      },
    };
    return ctx;
  }

  /** Does the work and all that it leaves for later; what became of it. */
  async do<T>(actor: Actor, work: (ctx: Ctx) => Promise<T>): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }> {
    const outcome = await work(this.context(actor)).then((value) => ({ ok: true as const, value }), (error: unknown) => ({ ok: false as const, error }));
    while (this.deferred.length + this.#later.length > 0) {
      await Promise.allSettled(this.deferred.splice(0));
      await this.#later.shift()?.().catch(() => undefined);
    }
    return outcome;
  }
}

const READS = /^\s*select\b/i;

function countedDatabase(run: Run, db: D1Database): D1Database {
  const real = new WeakMap<object, D1PreparedStatement>();
  const writing = new WeakSet<object>();
  const counted = (statement: D1PreparedStatement, text: string): D1PreparedStatement => {
    const ask = <T>(work: () => Promise<T>): Promise<T> => run.call(`D1 ${text.slice(0, 60)}`, !READS.test(text), work);
    const wrapped = {
      bind: (...values: unknown[]) => counted(statement.bind(...values), text),
      first: (...args: unknown[]) => ask(() => (statement.first as (...some: unknown[]) => Promise<unknown>)(...args)),
      all: () => ask(() => statement.all()),
      run: () => ask(() => statement.run()),
      raw: (options?: { columnNames?: false }) => ask(() => statement.raw(options)),
    };
    real.set(wrapped, statement);
    if (!READS.test(text)) writing.add(wrapped);
    return wrapped as unknown as D1PreparedStatement;
  };
  return {
    prepare: (text: string) => counted(db.prepare(text), text),
    batch: (statements: D1PreparedStatement[]) => {
      const writes = statements.some((statement) => writing.has(statement));
      return run.call(`D1 batch of ${statements.length}`, writes, () => db.batch(statements.map((statement) => real.get(statement) ?? statement)));
    },
  } as unknown as D1Database;
}

/** Calls of objects that change nothing there. */
const LOOKS = new Set(["getSummary", "getDetail", "listMachines", "inspect", "getCapabilities"]);

function countedObjects(run: Run, namespace: DurableObjectNamespace): DurableObjectNamespace {
  const counted = (stub: object): object =>
    new Proxy(stub, {
      get(target, method) {
        const found: unknown = Reflect.get(target, method, target);
        if (typeof found !== "function" || typeof method !== "string") return found;
        return (...args: unknown[]) => run.call(`object.${method}`, !LOOKS.has(method), async () => (target as Record<string, (...some: unknown[]) => unknown>)[method]?.(...args));
      },
    });
  return new Proxy(namespace, {
    get(target, method) {
      const found: unknown = Reflect.get(target, method, target);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => {
        const made: unknown = (found as (...some: unknown[]) => unknown).apply(target, args);
        return method === "getByName" || method === "get" ? counted(made as object) : made;
      };
    },
  });
}

/** Calls of the provider that change nothing there. */
const ASKS = new Set<string | symbol>(["find", "list"]);

const countedCompute = (run: Run): Compute =>
  new Proxy(run.compute, {
    get(target, method) {
      const found: unknown = Reflect.get(target, method, target);
      if (typeof found !== "function") return found;
      return (...args: unknown[]) => {
        const isProbe = method === "run" && String(args[1]).startsWith("# sett:probe");
        return run.call(`provider.${String(method)}`, !ASKS.has(method) && !isProbe, async () => (found as (...some: unknown[]) => unknown).apply(target, args));
      };
    },
  });
