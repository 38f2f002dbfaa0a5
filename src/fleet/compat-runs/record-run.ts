import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { sha256, timingSafeEqual } from "../../kernel/crypto/bytes";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { utcIso } from "../../kernel/clock";
import type { CompatRunBody, RecordedRunView } from "./compat-runs.schemas";
import { findRunByKey, insertRun, updateRun, type CompatRun } from "./compat-runs.store";

/** Takes the report of a run from whom {@link requireSecret} admitted. One that was reported already (same version, begin and runtime) is replaced. */
export async function recordRun(ctx: Ctx, input: z.output<typeof CompatRunBody>): Promise<z.input<typeof RecordedRunView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const told = {
      runtime: input.runtime,
      openclawVersion: input.openclaw_version,
      pluginVersion: input.plugin_version,
      cliVersion: input.cli_version,
      result: input.result,
      summary: input.summary ?? null,
      scenarios: input.scenarios,
      logArtifactUrl: input.log_artifact_url ?? null,
      triggeredBy: input.host || null,
      startedAt: timeOf(input.started_at),
      finishedAt: timeOf(input.finished_at),
      updatedAt: now,
    };
    const known = await findRunByKey(ctx, told);
    const audit = (before: CompatRun | null) => ({
      action: "compat_run.record",
      tenantId: null,
      subject: { type: "compat_run", id: known?.id ?? `${told.openclawVersion} ${told.runtime} ${told.startedAt}` },
      detail: { before: before && briefly(before), after: briefly(told) },
    });
    if (known) {
      await new Plan(ctx).guarded(updateRun(ctx, known, told)).audit(audit(known)).commit();
      return { id: known.id, created: false };
    }
    const [inserted] = await new Plan(ctx)
      .write(insertRun(ctx, { ...told, createdAt: now }))
      .audit(audit(null))
      .commit()
      .catch((error: unknown) => {
        // The same report came twice at once: read again, and replace.
        if (isUniqueViolation(error, "compat_runs.started_at")) throw new LostUpdateError(error);
        throw error;
      });
    // The insert returns its row.
    const [run] = inserted as CompatRun[];
    if (!run) throw new Error("the insert of a compatibility run returned no row");
    return { id: run.id, created: true };
  });
}

/**
 * Whether the caller has the shared secret; in constant time: both are hashed, so that not even their lengths tell.
 * @param given what the caller's header says
 * @throws AppError DEPENDENCY_UNAVAILABLE (no secret is configured), UNAUTHENTICATED (another one)
 */
export async function requireSecret(ctx: Ctx, given: string | null): Promise<void> {
  const { compatWebhookSecret: wanted } = ctx.config;
  if (wanted === null) throw new AppError("DEPENDENCY_UNAVAILABLE", "Reports of compatibility runs are not configured: COMPAT_WEBHOOK_SECRET is needed.");
  if (!timingSafeEqual(await sha256(given ?? ""), await sha256(wanted))) throw new AppError("UNAUTHENTICATED", "X-Compat-Webhook-Secret is missing or wrong.");
}

/** The schema has seen that it is a time. */
const timeOf = (text: string): number => Date.parse(utcIso(text) ?? text);

const briefly = (run: Pick<CompatRun, "openclawVersion" | "pluginVersion" | "cliVersion" | "runtime" | "result" | "scenarios">) => ({
  openclaw_version: run.openclawVersion,
  plugin_version: run.pluginVersion,
  cli_version: run.cliVersion,
  runtime: run.runtime,
  result: run.result,
  scenarios: run.scenarios.length,
});
