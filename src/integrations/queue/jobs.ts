import { SECOND_MS } from "../../kernel/clock";
import type { Job, Jobs } from "../../kernel/ports/services";

/** The platform's own limit of one message; local queues do not enforce it, so we do. */
export const MAX_JOB_BYTES = 120 * 1024;
/** The platform's longest delay. */
const MAX_DELAY_SECONDS = 12 * 3_600;

export function createJobs(queue: Queue): Jobs {
  return {
    async send(job: Job, delaySeconds = 0): Promise<void> {
      const delay = Math.min(Math.max(0, Math.ceil(delaySeconds)), MAX_DELAY_SECONDS);
      const message = delay === 0 ? job : { ...job, readyAt: Date.now() + delay * SECOND_MS };
      const bytes = JSON.stringify(message).length;
      if (bytes > MAX_JOB_BYTES) throw new Error(`a job of type ${job.type} has ${bytes} bytes, more than a queue message may`);
      await queue.send(message, { contentType: "json", delaySeconds: delay });
    },
  };
}
