import type { Job, Jobs } from "../../kernel/ports/services";

/** The platform's own limit of one message; local queues do not enforce it, so we do. */
export const MAX_JOB_BYTES = 120 * 1024;
/** The platform's longest delay. */
const MAX_DELAY_SECONDS = 12 * 3_600;

export function createJobs(queue: Queue): Jobs {
  return {
    async send(job: Job, delaySeconds = 0): Promise<void> {
      const bytes = JSON.stringify(job).length;
      if (bytes > MAX_JOB_BYTES) throw new Error(`a job of type ${job.type} has ${bytes} bytes, more than a queue message may`);
      await queue.send(job, { contentType: "json", delaySeconds: Math.min(Math.max(0, Math.ceil(delaySeconds)), MAX_DELAY_SECONDS) });
    },
  };
}
