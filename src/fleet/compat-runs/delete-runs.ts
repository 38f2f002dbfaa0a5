import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { chunked } from "../../kernel/db/chunked";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { CompatRunRef, DeletedRunsView, DeleteRunsQuery } from "./compat-runs.schemas";
import { deleteRunRow, deleteRunRows, findRun, hasChanged, listRunIds } from "./compat-runs.store";

/** Runs that one call removes at most; who has more calls again. */
const DELETE_MAX = 2_000;

/** Removes one run. @throws AppError NOT_FOUND */
export function deleteRun(ctx: OwnerCtx, ref: z.output<typeof CompatRunRef>): Promise<z.input<typeof DeletedRunsView>> {
  return retryLostUpdate(async () => {
    const run = await findRun(ctx, ref.run_id);
    if (!run) throw notFound("Compatibility run");
    const before = { openclaw_version: run.openclawVersion, runtime: run.runtime, result: run.result, started_at: run.startedAt };
    await new Plan(ctx).guarded(deleteRunRow(ctx, run)).audit({ action: "compat_run.delete", tenantId: null, subject: { type: "compat_run", id: run.id }, detail: { before, after: null } }).commit();
    return { deleted: 1 };
  });
}

/** Removes every run of a version; none is no error. */
export function deleteRunsOfVersion(ctx: OwnerCtx, { openclaw_version: version }: z.output<typeof DeleteRunsQuery>): Promise<z.input<typeof DeletedRunsView>> {
  return retryLostUpdate(async () => {
    const ids = await listRunIds(ctx, version, DELETE_MAX);
    if (ids.length === 0) return { deleted: 0 };
    const plan = new Plan(ctx);
    for (const chunk of chunked(ids)) plan.write(deleteRunRows(ctx, chunk)).require(hasChanged(chunk.length));
    await plan.audit({ action: "compat_run.delete_version", tenantId: null, subject: { type: "openclaw_version", id: version }, detail: { before: { runs: ids.length }, after: { runs: 0 } } }).commit();
    return { deleted: ids.length };
  });
}
