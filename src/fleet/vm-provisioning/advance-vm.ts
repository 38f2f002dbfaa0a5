import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { describeError } from "../../kernel/logging/logger";
import { ComputeError } from "../../kernel/ports/compute";
import { LEASE_MS, patience, retryMs } from "./provisioning.core";
import { claimVm, updateVm, type CloudVm } from "./provisioning.store";
import { settleEnd } from "./settle-end";
import { keepComputer } from "./keep-computer";
import { requireCompute } from "./require-compute";
import { sendAdvance } from "./send-advance";
import { failed, takeStep, type StepOutcome } from "./steps";
import { tellProgress } from "./tell-progress";

/** A step that ends at once is followed by the next in the same message, so many times. */
const STEPS_PER_MESSAGE = 4;

/**
 * Job `cloud_vm.advance`: looks at a machine that is due and does the one thing that its step asks for. Whoever comes too late, or twice,
 * claims nothing and changes nothing. What the provider does not answer is tried again, until the step's time and tries are over.
 */
export async function advanceVm(ctx: Ctx, vmId: string): Promise<void> {
  for (let left = STEPS_PER_MESSAGE; left > 0; left--) {
    const row = await claimVm(ctx, vmId, ctx.clock.now(), LEASE_MS);
    if (!row) return;
    const after = row.status === "destroying" || row.status === "destroyed" ? await settleEnd(ctx, row) : await advanceOnce(ctx, row);
    if (!after || after.settleAt === null) return;
    if (left === 1 || after.settleAt > ctx.clock.now()) {
      await sendAdvance(ctx, after);
      return;
    }
  }
}

/** One step of a claimed row; the row as it is then, null when somebody else changed it meanwhile and goes on with it. */
async function advanceOnce(ctx: Ctx, row: CloudVm): Promise<CloudVm | null> {
  let outcome: StepOutcome;
  try {
    outcome = await takeStep(ctx, requireCompute(ctx, row.driver), row);
  } catch (error) {
    outcome = { kind: "change", changes: afterFailure(ctx, row, error) };
  }
  if (outcome.kind === "made") return keepComputer(ctx, row.id, outcome.computer);
  try {
    await new Plan(ctx).guarded(updateVm(ctx, row, outcome.changes)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
  const after: CloudVm = { ...row, ...outcome.changes, version: row.version + 1 };
  await tellProgress(ctx, after);
  return after;
}

/** What a failure of the provider does to a row: it waits longer each time, and past its step's time and tries the machine has failed. */
function afterFailure(ctx: Ctx, row: CloudVm, error: unknown): Partial<CloudVm> {
  const now = ctx.clock.now();
  const message = error instanceof ComputeError ? error.message : "The provider of cloud machines is not available.";
  const attempts = row.settleAttempts + 1;
  const facts = { event: "cloud_vm.step_failed", cloud_vm_id: row.id, step: row.step, attempts, provider_request_id: error instanceof ComputeError ? error.providerRequestId : null };
  ctx.log[attempts % 10 === 0 ? "error" : "warn"]("a step of a cloud machine failed", { ...facts, ...describeError(error) });
  const noted = { lastError: message, lastErrorAt: now, settleAttempts: attempts };
  // Settled rows were only looked at; what cannot be asked says nothing about them.
  if (row.status === "online" || row.status === "failed") return { ...noted, settleAt: now + retryMs(attempts) };
  if (error instanceof ComputeError && (error.fault === "refused" || error.fault === "capacity")) return failed(message, now);
  const waiting = patience(row, now);
  if (waiting.kind === "give_up") return failed(message, now);
  return { ...noted, settleAt: now + retryMs(attempts), ...(waiting.kind === "retry" ? { stepTries: waiting.stepTries, stepDeadlineAt: waiting.stepDeadlineAt } : {}) };
}

