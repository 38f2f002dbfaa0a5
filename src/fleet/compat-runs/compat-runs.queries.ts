import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { toRunView, type CompatRunListView, type LatestRunQuery, type LatestRunView, type ListRunsQuery } from "./compat-runs.schemas";
import { listRuns } from "./compat-runs.store";

/** Newest first, of one version or runtime when asked. */
export async function listCompatRuns(ctx: OwnerCtx, query: z.output<typeof ListRunsQuery>): Promise<z.input<typeof CompatRunListView>> {
  return (await listRuns(ctx, { openclawVersion: query.openclaw_version, runtime: query.runtime }, query.limit)).map(toRunView);
}

/** The newest run of a version; null when it was never tried. */
export async function getLatestCompatRun(ctx: OwnerCtx, query: z.output<typeof LatestRunQuery>): Promise<z.input<typeof LatestRunView>> {
  const [run] = await listRuns(ctx, { openclawVersion: query.openclaw_version, runtime: query.runtime }, 1);
  return run ? toRunView(run) : null;
}
