import type { Env } from "./env";
import { readEnv } from "./env";
import { effectHandlers } from "./effects";
import { families } from "./families";
import { createServices } from "./services";
import type { Actor } from "./kernel/auth/actor";
import { systemClock } from "./kernel/clock";
import type { ClientInfo, Ctx, PokedEffect } from "./kernel/context";
import { createDb, type Db } from "./kernel/db/client";
import { createLogger } from "./kernel/logging/logger";
import type { Services } from "./kernel/ports/services";
import { deliverEffect } from "./kernel/outbox/drain";

/** What of a runtime's execution context we use; queue, cron and fetch all have it. */
export interface Deferral {
  waitUntil(work: Promise<unknown>): void;
}

interface ContextSeed {
  readonly env: Env;
  readonly requestId: string;
  readonly client: ClientInfo;
  readonly deferral: Deferral;
}

/** Builds the context of one actor's work. Cheap: nothing here reads the network. */
export function createContext(seed: ContextSeed, actor: Actor): Ctx {
  const { env, requestId, client, deferral } = seed;
  // Built when first used: a heartbeat needs neither database nor services.
  let db: Db | undefined;
  let services: Services | undefined;
  const ctx: Ctx = {
    actor,
    requestId,
    client,
    config: readEnv(env),
    clock: systemClock,
    log: createLogger({ request_id: requestId }),
    get db() {
      return (db ??= createDb(env.DB));
    },
    objects: env,
    get services() {
      return (services ??= createServices(env, ctx.db));
    },
    sealedColumns: async () => [...(await Promise.all(families.map((family) => family.sealedColumns()))).flat(), ...(await import("./kernel/db/sealed-column")).kernelSealedColumns],
    defer: (work) => deferral.waitUntil(work),
    pokeOutbox: async (effects) => {
      const system = actor.type === "system" ? ctx : createContext(seed, { type: "system", job: "outbox" });
      const deliver = (some: typeof effects): Promise<unknown> => Promise.all(some.map(({ id }) => deliverEffect(system, effectHandlers, id)));
      const isSeenAtOnce = ({ type }: PokedEffect): boolean => families.some(({ promptEffects }) => promptEffects.has(type)) || (type === "mail.send" && ctx.config.mail?.driver === "mailbox");
      deferral.waitUntil(deliver(effects.filter((effect) => !isSeenAtOnce(effect))));
      // It is committed: whatever goes wrong now is the sweep's.
      await deliver(effects.filter(isSeenAtOnce)).catch(() => undefined);
    },
  };
  return ctx;
}

/** The context of background work. */
export function createSystemContext(env: Env, deferral: Deferral, job: string, requestId: string): Ctx {
  return createContext({ env, requestId, client: { ip: "internal", userAgent: null, origin: readEnv(env).publicUrl ?? "" }, deferral }, { type: "system", job });
}
