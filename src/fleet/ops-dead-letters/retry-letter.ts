import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { PermanentEffectError, type Effect } from "../../kernel/outbox/effects";
import { readBuried, shownPayload } from "./dead-letters.core";
import type { DeadLetterRef, RetriedLetterView } from "./dead-letters.schemas";
import { deleteLetter, findLetter, type DeadLetter } from "./dead-letters.store";

/** A message that is to be sent once more. */
interface Resent {
  readonly type: string;
  readonly payload: unknown;
}

/**
 * Sends a buried job again, under a new message id: the old one counts as handled or spent. The row goes in the commit that keeps the job, so
 * pressing twice sends one; the second finds nothing.
 * @throws AppError NOT_FOUND, NOT_A_JOB
 */
export async function retryDeadLetter(ctx: OwnerCtx, ref: z.output<typeof DeadLetterRef>): Promise<z.input<typeof RetriedLetterView>> {
  await retryLostUpdate(async () => {
    const letter = await findLetter(ctx, ref.letter_id);
    if (!letter) throw notFound("Dead letter");
    const { type, payload, isJob } = readBuried(letter.payload);
    if (!isJob) throw new AppError("NOT_A_JOB", "This message never was a job, so there is nothing to send again; drop it.");
    const effect: Effect & { readonly payload: Resent } = { type: "job.send", payload: { type, payload } };
    await new Plan(ctx).guarded(deleteLetter(ctx, letter)).effect(effect).audit(auditOf(letter, "dead_letter.retry")).commit();
  });
  return { id: ref.letter_id, queued: true, message: "The job goes to the queue again." };
}

/** Removes a buried message for good. @throws AppError NOT_FOUND */
export function dropDeadLetter(ctx: OwnerCtx, ref: z.output<typeof DeadLetterRef>): Promise<void> {
  return retryLostUpdate(async () => {
    const letter = await findLetter(ctx, ref.letter_id);
    if (!letter) throw notFound("Dead letter");
    await new Plan(ctx).guarded(deleteLetter(ctx, letter)).audit(auditOf(letter, "dead_letter.drop")).commit();
  });
}

const auditOf = (letter: DeadLetter, action: string) => ({
  action,
  tenantId: null,
  subject: { type: "dead_letter", id: letter.id },
  detail: { before: { type: letter.type, reason: letter.reason, payload: shownPayload(letter.payload), created_at: letter.createdAt }, after: null },
});

/** Effect `job.send`. The effect's id is the message's, so a second delivery is one that was handled. */
export async function sendJobAgain(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  const { type, payload: jobPayload } = (payload ?? {}) as Partial<Resent>;
  if (typeof type !== "string") throw new PermanentEffectError("a job to send again has no type");
  await ctx.services.jobs.send({ v: 1, id: `retry:${effectId}`, type, payload: jobPayload });
}
