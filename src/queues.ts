import { eq } from "drizzle-orm";
import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { effectHandlers } from "./effects";
import type { Ctx } from "./kernel/context";
import { AppError } from "./kernel/errors/app-error";
import { describeError } from "./kernel/logging/logger";
import { deliverEffect } from "./kernel/outbox/drain";
import type { Job } from "./kernel/ports/services";
import { deadLetters, processedMessages } from "./schema/kernel";

type JobHandler = (ctx: Ctx, payload: unknown) => Promise<void>;

/** Message type → lazy handler. Every handler may run twice. */
const jobHandlers: Readonly<Record<string, () => Promise<JobHandler>>> = {
  "outbox.deliver": async () => async (ctx, payload) => {
    if (typeof payload === "string") await deliverEffect(ctx, effectHandlers, payload);
  },
  "instance.project": async () => (await import("./fleet/instances")).recordInstanceProjection,
};

const DEAD_QUEUE_SUFFIX = "-dead";
const MAX_RETRY_DELAY_SECONDS = 600;

/** Handles each message on its own: one bad message never fails its batch. */
export async function handleQueue(batch: MessageBatch, env: Env, deferral: Deferral): Promise<void> {
  const dead = batch.queue.endsWith(DEAD_QUEUE_SUFFIX);
  for (const message of batch.messages) {
    const ctx = createSystemContext(env, deferral, `queue:${batch.queue}`, `msg_${message.id}`);
    try {
      const job = parseJob(message.body);
      if (dead || !job) await bury(ctx, message, dead ? "retries are used up" : "not a job");
      else await handleOnce(ctx, job);
      message.ack();
    } catch (error) {
      if (!dead && error instanceof AppError && error.status < 500) {
        await bury(ctx, message, describeError(error).error_message);
        message.ack();
        continue;
      }
      ctx.log.warn("job failed", { event: "job.failed", attempts: message.attempts, ...describeError(error) });
      message.retry({ delaySeconds: Math.min(5 * 2 ** message.attempts, MAX_RETRY_DELAY_SECONDS) });
    }
  }
}

async function handleOnce(ctx: Ctx, job: Job): Promise<void> {
  const [seen] = await ctx.db.select({ id: processedMessages.id }).from(processedMessages).where(eq(processedMessages.id, job.id)).limit(1);
  if (seen) return;
  const load = jobHandlers[job.type];
  if (!load) throw new AppError("MALFORMED_REQUEST", `No handler for jobs of type ${job.type}.`);
  await (await load())(ctx, job.payload);
  await ctx.db.insert(processedMessages).values({ id: job.id, handledAt: ctx.clock.now() }).onConflictDoNothing();
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
  const { v, id, type, payload } = body as Record<string, unknown>;
  return v === 1 && typeof id === "string" && typeof type === "string" ? { v, id, type, payload } : null;
}
