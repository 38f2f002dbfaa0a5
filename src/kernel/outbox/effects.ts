import type { BatchItem } from "drizzle-orm/batch";
import type { SQLWrapper } from "drizzle-orm";
import { outbox } from "../../schema/kernel";
import { seal } from "../crypto/envelope";
import { newId } from "../ids/ids";
import type { Ctx } from "../context";

/** Something that must happen after a commit, at least once. Payloads may hold codes and addresses, so they are sealed at rest. */
export interface Effect {
  /** Key of the handler table in src/effects.ts, for example `mail.send`. */
  readonly type: string;
  /** JSON-serialisable. */
  readonly payload: unknown;
}

/** Thrown by a handler whose effect fails in the same way every time: it is parked at once, with this message as its reason. */
export class PermanentEffectError extends Error {
  override readonly name = "PermanentEffectError";
}

/** Context string that binds a sealed payload to its row. */
export const effectSealContext = (id: string): string => `outbox:${id}`;

export async function sealEffect(ctx: Ctx, effect: Effect): Promise<{ id: string; statement: BatchItem<"sqlite"> & SQLWrapper }> {
  const now = ctx.clock.now();
  const id = newId("eff", now);
  const payload = await seal(ctx.config.sealKeys, JSON.stringify(effect.payload), effectSealContext(id));
  return { id, statement: ctx.db.insert(outbox).values({ id, type: effect.type, payload, dueAt: now, createdAt: now }) };
}
