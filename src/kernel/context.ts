import type { Actor, OwnerActor } from "./auth/actor";
import { isOwner } from "./auth/actor";
import type { Clock } from "./clock";
import type { Config } from "./config";
import type { SealedColumn } from "./db/sealed-column";
import type { Db } from "./db/client";
import { AppError } from "./errors/app-error";
import type { Logger } from "./logging/logger";
import type { Services } from "./ports/services";

/** The Durable Object namespaces; only durable-objects/stubs.ts turns them into stubs. */
export interface ObjectBindings {
  readonly INSTANCE_DO: DurableObjectNamespace;
  readonly ACCOUNT_FEED_DO: DurableObjectNamespace;
  /** Those of other families. */
  readonly [name: `${string}_DO`]: DurableObjectNamespace | undefined;
}

/** Facts about the caller's connection, for audit and limits. */
export interface ClientInfo {
  readonly ip: string;
  readonly userAgent: string | null;
  /** Origin the caller used, for links back to us. */
  readonly origin: string;
}

/** A committed effect as a poke needs it. */
export interface PokedEffect {
  readonly id: string;
  readonly type: string;
}

/** Everything a verb may use. Explicit, so that HTTP, queue and cron share the verbs. */
export interface Ctx {
  readonly actor: Actor;
  readonly requestId: string;
  readonly client: ClientInfo;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly db: Db;
  readonly objects: ObjectBindings;
  readonly services: Services;
  /** Columns of all tables that hold sealed values, for the walk that seals them anew. */
  readonly sealedColumns: () => Promise<readonly SealedColumn[]>;
  /** Lets work finish after the answer. */
  readonly defer: (work: Promise<unknown>) => void;
  /** Runs committed effects soon; the sweep finds those that this misses. Resolves at once, or when what must be seen at once is done. */
  readonly pokeOutbox: (effects: readonly PokedEffect[]) => Promise<void>;
}

/** The context of a caller who owns data. */
export type OwnerCtx = Ctx & { readonly actor: OwnerActor };

/** Narrows to an owner. @throws AppError UNAUTHENTICATED */
export function requireOwner(ctx: Ctx): asserts ctx is OwnerCtx {
  if (!isOwner(ctx.actor)) throw new AppError("UNAUTHENTICATED", "Sign in first.");
}

/** Origin for links that people open. */
export const webOrigin = (ctx: Ctx): string => ctx.config.publicUrl ?? ctx.client.origin;
