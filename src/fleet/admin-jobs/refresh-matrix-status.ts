import type { z } from "zod";
import { isOwner } from "../../kernel/auth/actor";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { toJobView, type AdminJobView } from "./admin-jobs.schemas";
import { countPeopleOnMatrix, findOpenJob, insertJob, type AdminJob } from "./admin-jobs.store";
import { sendStep } from "./send-step";

const KIND = "matrix_status_refresh";

/**
 * Begins to ask the homeserver about everybody's account. While one is at it, answers that one.
 * @throws AppError MATRIX_UNAVAILABLE when no homeserver can be asked
 */
export async function refreshMatrixStatus(ctx: Ctx): Promise<z.input<typeof AdminJobView>> {
  if (!ctx.services.matrix?.admin) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured for administration.");
  const running = await findOpenJob(ctx, KIND);
  if (running) return toJobView(running);
  const now = ctx.clock.now();
  const job: AdminJob = {
    id: newUuid(),
    kind: KIND,
    status: "pending",
    startedBy: isOwner(ctx.actor) ? ctx.actor.userId : null,
    total: await countPeopleOnMatrix(ctx),
    processed: 0,
    counts: {},
    cursor: 0,
    step: 0,
    attempts: 0,
    error: null,
    startedAt: null,
    finishedAt: null,
    progressAt: now,
    createdAt: now,
    version: 1,
  };
  try {
    await new Plan(ctx)
      .write(insertJob(ctx, job))
      .audit({ action: "admin_job.start", tenantId: null, subject: { type: "admin_job", id: job.id }, detail: { kind: KIND, before: null, after: { status: "pending", total: job.total } } })
      .commit();
  } catch (error) {
    const faster = isUniqueViolation(error, "admin_jobs.kind") ? await findOpenJob(ctx, KIND) : null;
    if (!faster) throw error;
    return toJobView(faster);
  }
  await sendStep(ctx, job);
  return toJobView(job);
}
