import { and, asc, eq, isNull, lte, sql } from "drizzle-orm";
import { outbox } from "../../schema/kernel";
import { MINUTE_MS, SECOND_MS } from "../clock";
import { unseal } from "../crypto/envelope";
import { describeError } from "../logging/logger";
import type { Ctx } from "../context";
import { effectSealContext, PermanentEffectError } from "./effects";

/** Runs one effect; must be harmless when it runs twice with the same id. */
export type EffectHandler = (ctx: Ctx, payload: unknown, effectId: string) => Promise<void>;
/** Effect type → its handler, loaded when first needed. */
export type EffectHandlers = Readonly<Record<string, () => Promise<EffectHandler>>>;

const LEASE_MS = MINUTE_MS;
const MAX_ATTEMPTS = 12;

/** Delay before try `attempts + 1`: 5 s doubling to 30 minutes. */
export const backoffMs = (attempts: number): number => Math.min(5 * SECOND_MS * 2 ** Math.max(0, attempts - 1), 30 * MINUTE_MS);

/** Delivers one effect if it is due and nobody else holds it. Failures are recorded, retried with back-off, and parked after {@link MAX_ATTEMPTS} or when they are permanent. */
export async function deliverEffect(ctx: Ctx, handlers: EffectHandlers, id: string): Promise<void> {
  const now = ctx.clock.now();
  const [row] = await ctx.db
    .update(outbox)
    .set({ dueAt: now + LEASE_MS, attempts: sql`${outbox.attempts} + 1` })
    .where(and(eq(outbox.id, id), isNull(outbox.parkedAt), lte(outbox.dueAt, now)))
    .returning();
  if (!row) return;
  try {
    const load = handlers[row.type];
    const payload = await unseal(ctx.config.sealKeys, row.payload, effectSealContext(id));
    if (!load) throw new Error(`no handler for effects of type ${row.type}`);
    if (payload === null) throw new Error("the payload does not open with any key of the ring");
    await (await load())(ctx, JSON.parse(payload), id);
    await ctx.db.delete(outbox).where(eq(outbox.id, id));
  } catch (error) {
    const parked = row.attempts >= MAX_ATTEMPTS || error instanceof PermanentEffectError;
    const lastError = describeError(error).error_message;
    await ctx.db
      .update(outbox)
      .set({ dueAt: ctx.clock.now() + backoffMs(row.attempts), lastError, parkedAt: parked ? ctx.clock.now() : null })
      .where(eq(outbox.id, id));
    ctx.log.warn("effect failed", { event: parked ? "outbox.parked" : "outbox.failed", effect_id: id, effect_type: row.type, attempts: row.attempts, ...describeError(error) });
  }
}

/** Ids of effects that are due, oldest first: what the poke missed. */
export async function listDueEffects(ctx: Ctx, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: outbox.id })
    .from(outbox)
    .where(and(isNull(outbox.parkedAt), lte(outbox.dueAt, ctx.clock.now())))
    .orderBy(asc(outbox.dueAt))
    .limit(limit);
  return rows.map((row) => row.id);
}
