import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { effectHandlers } from "./effects";
import { consumeMessage, type JobHandlers } from "./kernel/jobs/consume";
import { families } from "./families";
import { deliverEffect } from "./kernel/outbox/drain";

/** Message type → lazy handler. */
const jobHandlers: JobHandlers = {
  "outbox.deliver": async () => async (ctx, payload) => {
    if (typeof payload === "string") await deliverEffect(ctx, effectHandlers, payload);
  },
  ...Object.assign({}, ...families.map(({ jobs }) => jobs)) as JobHandlers,
};

const DEAD_QUEUE_SUFFIX = "-dead";

export async function handleQueue(batch: MessageBatch, env: Env, deferral: Deferral): Promise<void> {
  const spent = batch.queue.endsWith(DEAD_QUEUE_SUFFIX);
  for (const message of batch.messages) {
    await consumeMessage(createSystemContext(env, deferral, `queue:${batch.queue}`, `msg_${message.id}`), jobHandlers, message, spent);
  }
}
