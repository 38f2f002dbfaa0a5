import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import { idempotencyKeys } from "../schema/kernel";
import { actorId } from "./auth/actor";
import { DAY_MS, MINUTE_MS } from "./clock";
import type { Ctx } from "./context";
import { sha256Hex } from "./crypto/bytes";
import { seal, unseal } from "./crypto/envelope";
import { AppError, invalidField } from "./errors/app-error";

const KEEP_MS = DAY_MS;
/** A reservation without an answer older than this belonged to a request that died. */
const RESERVATION_MS = MINUTE_MS;
const MAX_KEY_CHARS = 255;

/** Context string that binds a sealed answer to its row. */
export const idempotencySealContext = (scope: string, key: string): string => `idempotency:${scope}:${key}`;

/**
 * Runs `work` once per (caller, operation, key) within a day; a repeat gets the first answer. Answers are sealed at rest, since
 * they may hold a token shown once. A failed run releases the key.
 * @throws AppError IDEMPOTENCY_CONFLICT when the key came with another request, or its first request is still running.
 */
export async function withIdempotency(ctx: Ctx, operationId: string, key: string, input: unknown, work: () => Promise<unknown>): Promise<unknown> {
  if (key.length > MAX_KEY_CHARS) throw invalidField(["header", "idempotency-key"], `String should have at most ${MAX_KEY_CHARS} characters`, "string_too_big");
  const scope = `${ctx.actor.type}:${actorId(ctx.actor) ?? ctx.client.ip}:${operationId}`;
  const requestHash = await sha256Hex(JSON.stringify(input ?? null));
  const now = ctx.clock.now();
  const reserved = await ctx.db
    .insert(idempotencyKeys)
    .values({ scope, key, requestHash, createdAt: now, expiresAt: now + KEEP_MS })
    .onConflictDoUpdate({
      target: [idempotencyKeys.scope, idempotencyKeys.key],
      set: { requestHash, status: null, sealedBody: null, createdAt: now, expiresAt: now + KEEP_MS },
      setWhere: sql`${or(lt(idempotencyKeys.expiresAt, now), and(isNull(idempotencyKeys.sealedBody), lt(idempotencyKeys.createdAt, now - RESERVATION_MS)))}`,
    })
    .returning({ key: idempotencyKeys.key });
  const row = and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key));
  const sealContext = idempotencySealContext(scope, key);
  if (reserved.length === 0) {
    const [first] = await ctx.db.select().from(idempotencyKeys).where(row);
    if (!first || first.requestHash !== requestHash) throw new AppError("IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another request.");
    const body = first.sealedBody === null ? null : await unseal(ctx.config.sealKeys, first.sealedBody, sealContext);
    if (body === null) throw new AppError("IDEMPOTENCY_CONFLICT", "The first request with this Idempotency-Key is still running.", { retryAfterSeconds: 2 });
    return JSON.parse(body) as unknown;
  }
  try {
    const output = await work();
    await ctx.db.update(idempotencyKeys).set({ sealedBody: await seal(ctx.config.sealKeys, JSON.stringify(output ?? null), sealContext) }).where(row);
    return output;
  } catch (error) {
    await ctx.db.delete(idempotencyKeys).where(row);
    throw error;
  }
}

/** Forgets keys that expired before `now` (ms). */
export async function forgetIdempotencyKeys(ctx: Ctx, now: number): Promise<void> {
  await ctx.db.delete(idempotencyKeys).where(lt(idempotencyKeys.expiresAt, now));
}
