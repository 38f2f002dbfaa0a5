import type { Ctx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import type { AdminJob } from "./admin-jobs.store";

/** Payload of the message `admin_job.step`: which step of which job is due. One that was done meanwhile is nothing to do. */
export interface StepPayload {
  readonly jobId: string;
  readonly step: number;
}

/** Puts the step that is due on the queue. A message that is lost is sent again by the sweep. */
export async function sendStep(ctx: Ctx, { id, step, attempts }: Pick<AdminJob, "id" | "step" | "attempts">): Promise<void> {
  const payload: StepPayload = { jobId: id, step };
  await ctx.services.jobs
    .send({ v: 1, id: `admin_job:${id}:${step}:${attempts}`, type: "admin_job.step", payload })
    .catch((error: unknown) => ctx.log.warn("a step of a job waits for the sweep", { event: "admin_job.send.failed", job_id: id, ...describeError(error) }));
}
