import { eq, lt } from "drizzle-orm";
import { deadLetters, processedMessages } from "../../schema/kernel";
import type { Ctx } from "../context";
import { LostUpdateError } from "../db/client";
import { AppError } from "../errors/app-error";
import { describeError } from "../logging/logger";
import type { Job } from "../ports/services";

/** Does one job; must be harmless when it runs twice. */
export type JobHandler = (ctx: Ctx, payload: unknown) => Promise<void>;
/** Job type → its handler, loaded when first needed. */
export type JobHandlers = Readonly<Record<string, () => Promise<JobHandler>>>;

const MAX_RETRY_DELAY_SECONDS = 600;

/**
 * Handles one message on its own, so that a bad one never fails its batch: done and refused ones are acknowledged (refused ones
 * become dead letters that people can see), failed ones come again with a growing delay.
 * @param spent true for a message whose retries are used up
 */
export async function consumeMessage(ctx: Ctx, handlers: JobHandlers, message: Message, spent: boolean): Promise<void> {
  const job = parseJob(message.body);
  try {
    if (spent || !job) await bury(ctx, message, spent ? "retries are used up" : "not a job");
    else await handleOnce(ctx, handlers, job, message.timestamp.getTime());
    message.ack();
  } catch (error) {
    if (!spent && error instanceof AppError && error.status < 500 && !(error instanceof LostUpdateError)) {
      await bury(ctx, message, describeError(error).error_message);
      message.ack();
      return;
    }
    ctx.log.warn("job failed", { event: "job.failed", job_type: job?.type ?? "unknown", attempts: message.attempts, ...describeError(error) });
    message.retry({ delaySeconds: Math.min(5 * 2 ** message.attempts, MAX_RETRY_DELAY_SECONDS) });
  }
}

async function handleOnce(ctx: Ctx, handlers: JobHandlers, job: Job, sentAt: number): Promise<void> {
  const [seen] = await ctx.db.select({ id: processedMessages.id }).from(processedMessages).where(eq(processedMessages.id, job.id)).limit(1);
  if (seen) return;
  const load = handlers[job.type];
  if (!load) throw new AppError("MALFORMED_REQUEST", `No handler for jobs of type ${job.type}.`);
  await (await load())(ctx, job.payload);
  const now = ctx.clock.now();
  await ctx.db.insert(processedMessages).values({ id: job.id, handledAt: now, lateMs: Math.max(0, now - (job.readyAt ?? sentAt)) }).onConflictDoNothing();
}

async function bury(ctx: Ctx, message: Message, reason: string): Promise<void> {
  const job = parseJob(message.body);
  ctx.log.error("job buried", { event: "job.buried", job_type: job?.type ?? "unknown", reason });
  await ctx.db
    .insert(deadLetters)
    .values({ id: job?.id ?? message.id, type: job?.type ?? "unknown", payload: JSON.stringify(message.body ?? null), reason, createdAt: ctx.clock.now() })
    .onConflictDoNothing();
}

/** Null when `body` is no job of ours. */
export function parseJob(body: unknown): Job | null {
  if (body === null || typeof body !== "object") return null;
  const { v, id, type, payload, readyAt } = body as Record<string, unknown>;
  if (v !== 1 || typeof id !== "string" || typeof type !== "string") return null;
  return { v, id, type, payload, ...(typeof readyAt === "number" ? { readyAt } : {}) };
}

/** Forgets messages handled before `before` (ms): no redelivery is that late. */
export async function forgetProcessedMessages(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(processedMessages).where(lt(processedMessages.handledAt, before));
}
