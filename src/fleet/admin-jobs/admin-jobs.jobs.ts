import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import type { MatrixAdmin } from "../../kernel/ports/matrix";
import { addCounts, isRefreshDue, matrixStatusOf, silentSince, STEP_ACCOUNTS, verdictOn, type MatrixStatus } from "./admin-jobs.core";
import { findJob, listNewestJobs, listPeopleOnMatrix, listSilentJobs, noteError, setMatrixStatus, updateJob, type AdminJob, type PersonOnMatrix } from "./admin-jobs.store";
import { refreshMatrixStatus } from "./refresh-matrix-status";
import { sendStep } from "./send-step";

const StepMessage = z.object({ jobId: z.string(), step: z.int() });
const LANES = 5;

type Seen = { readonly person: PersonOnMatrix; readonly status: MatrixStatus } | { readonly person: PersonOnMatrix; readonly failure: unknown };

/**
 * Message `admin_job.step`: asks about the next accounts, and commits what it saw together with how far it came; so whoever does the same
 * step twice loses. A homeserver that cannot be asked ends the step, not the job: the sweep wakes it, and gives it up in the end.
 */
export async function runStep(ctx: Ctx, payload: unknown): Promise<void> {
  const { jobId, step } = StepMessage.parse(payload);
  const job = await findJob(ctx, jobId);
  if (!job || job.step !== step || (job.status !== "pending" && job.status !== "running")) return;
  try {
    await takeStep(ctx, job);
  } catch (error) {
    // Somebody else got on with it.
    if (error instanceof LostUpdateError) return;
    if (!(error instanceof AppError)) throw error;
    ctx.log.warn("a step of a job failed", { event: "admin_job.step.failed", job_id: job.id, error_code: error.code, ...describeCause(error) });
    await noteError(ctx, job, error.code.toLowerCase());
  }
}

async function takeStep(ctx: Ctx, job: AdminJob): Promise<void> {
  const admin = ctx.services.matrix?.admin;
  if (!admin) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured for administration.");
  const people = await listPeopleOnMatrix(ctx, job.cursor, STEP_ACCOUNTS);
  const seen = await askAbout(admin, people);
  const failures = seen.flatMap((one) => ("failure" in one ? [one.failure] : []));
  // Nobody could be asked about: that is the homeserver's state, not theirs.
  if (failures.length > 0 && failures.length === people.length) throw failures[0];
  const now = ctx.clock.now();
  const isLast = people.length < STEP_ACCOUNTS;
  const next = {
    status: isLast ? ("completed" as const) : ("running" as const),
    processed: job.processed + people.length,
    counts: addCounts(job.counts, seen.map((one) => ("failure" in one ? "failed" : one.status))),
    cursor: people.at(-1)?.id ?? job.cursor,
    step: job.step + 1,
    attempts: 0,
    error: null,
    startedAt: job.startedAt ?? now,
    finishedAt: isLast ? now : null,
    progressAt: now,
  };
  const plan = new Plan(ctx).guarded(updateJob(ctx, job, next));
  for (const { from, to, ids } of changedBy(seen)) plan.write(setMatrixStatus(ctx, ids, from, to));
  if (isLast) plan.audit({ action: "admin_job.complete", tenantId: null, subject: { type: "admin_job", id: job.id }, detail: { kind: job.kind, processed: next.processed, counts: next.counts } });
  await plan.commit();
  if (!isLast) await sendStep(ctx, { ...job, ...next });
}

/** Some at a time, so that one step neither floods the homeserver nor takes minutes. */
async function askAbout(admin: MatrixAdmin, people: readonly PersonOnMatrix[]): Promise<Seen[]> {
  const waiting = [...people];
  const seen: Seen[] = [];
  const lane = async (): Promise<void> => {
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift()) {
      const asked = person;
      seen.push(await admin.findAccount(asked.matrixId).then((account) => ({ person: asked, status: matrixStatusOf(account) }), (failure: unknown) => ({ person: asked, failure })));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return seen;
}

interface Change {
  readonly from: PersonOnMatrix["matrixStatus"];
  readonly to: MatrixStatus;
  readonly ids: number[];
}

/** Whose state is another than the one on record, by both. */
function changedBy(seen: readonly Seen[]): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const one of seen) {
    if ("failure" in one || one.person.matrixStatus === one.status) continue;
    const { id, matrixStatus: from } = one.person;
    const key = `${from}>${one.status}`;
    const change = changes.get(key) ?? { from, to: one.status, ids: [] };
    change.ids.push(id);
    changes.set(key, change);
  }
  return [...changes.values()];
}

/** The minute's tick: wakes jobs whose step broke off or whose message was lost, and gives up those that do not get on. */
export async function wakeJobs(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  for (const job of await listSilentJobs(ctx, silentSince(now))) {
    const verdict = verdictOn(job, now);
    if (verdict === "leave") continue;
    const plan = new Plan(ctx);
    if (verdict === "fail") {
      const error = job.error ?? "no_progress";
      plan
        .guarded(updateJob(ctx, job, { status: "failed", error, finishedAt: now, progressAt: now }))
        .audit({ action: "admin_job.fail", tenantId: null, subject: { type: "admin_job", id: job.id }, detail: { kind: job.kind, error, processed: job.processed, counts: job.counts } });
    } else plan.guarded(updateJob(ctx, job, { attempts: job.attempts + 1, progressAt: now }));
    // Whoever was faster has moved it on.
    const isOurs = await plan.commit().then(() => true, (error: unknown) => {
      if (error instanceof LostUpdateError) return false;
      throw error;
    });
    if (isOurs && verdict === "wake") await sendStep(ctx, { ...job, attempts: job.attempts + 1 });
  }
}

/** The hour's tick: once a day everybody's account is looked at, if there is a homeserver. */
export async function scheduleRefresh(ctx: Ctx): Promise<void> {
  if (!ctx.services.matrix?.admin) return;
  const [newest] = await listNewestJobs(ctx, 1);
  if (isRefreshDue(newest?.createdAt ?? null, ctx.clock.now())) await refreshMatrixStatus(ctx);
}
