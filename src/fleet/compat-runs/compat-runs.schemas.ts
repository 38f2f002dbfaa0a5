import { z } from "zod";
import { iso, isoOrNull, utcIso } from "../../kernel/clock";
import type { CompatRun } from "./compat-runs.store";

const Version = z.string().trim().min(1).max(64);
const Runtime = z.string().trim().min(1).max(32);
const Time = z
  .string()
  .max(64)
  .refine((text) => utcIso(text) !== null, "A time in ISO 8601");

export const CompatScenario = z
  .object({
    id: z.string().max(200),
    name: z.string().max(500),
    status: z.string().max(32),
    duration_ms: z.int(),
    error_excerpt: z.string().max(20_000).nullish(),
    details: z.record(z.string(), z.unknown()).nullish(),
  })
  .meta({ id: "CompatScenarioOut" });

export const CompatRunBody = z
  .object({
    runtime: Runtime.default("openclaw"),
    openclaw_version: Version,
    plugin_version: Version,
    cli_version: Version,
    started_at: Time,
    finished_at: Time,
    host: z.string().max(255).nullish(),
    result: z.string().trim().min(1).max(32),
    scenarios: z.array(CompatScenario).max(500),
    summary: z.string().max(20_000).nullish(),
    log_artifact_url: z.url({ protocol: /^https?$/ }).max(2_000).nullish(),
  })
  .meta({ id: "CompatRunIn" });

export const RecordedRunView = z.object({ id: z.int(), created: z.boolean() }).meta({ id: "CompatRunWebhookResponse" });

export const CompatRunView = z
  .object({
    id: z.int(),
    runtime: z.string(),
    openclaw_version: z.string(),
    plugin_version: z.string(),
    cli_version: z.string(),
    result: z.string(),
    summary: z.string().nullable(),
    scenarios: z.array(CompatScenario),
    log_artifact_url: z.string().nullable(),
    triggered_by: z.string().nullable(),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "CompatRunOut" });

export const ListRunsQuery = z.object({ openclaw_version: Version.optional(), runtime: Runtime.optional(), limit: z.coerce.number().int().min(1).max(200).default(20) });
export const CompatRunListView = z.array(CompatRunView);
export const LatestRunQuery = z.object({ openclaw_version: Version, runtime: Runtime.optional() });
export const LatestRunView = CompatRunView.nullable();
export const CompatRunRef = z.object({ run_id: z.coerce.number().int() });
export const DeleteRunsQuery = z.object({ openclaw_version: Version });
export const DeletedRunsView = z.object({ deleted: z.int() }).meta({ id: "CompatRunDeleteResponse" });

export const DispatchRunBody = z
  .object({ openclaw_version: Version, plugin_version: Version.nullish(), cli_version: Version.nullish(), runtime: Runtime.nullish() })
  .meta({ id: "DispatchCompatRunRequest" });

export const DispatchedRunView = z
  .object({ ok: z.boolean(), dispatched: z.boolean(), repository: z.string(), workflow: z.string(), ref: z.string(), inputs: z.record(z.string(), z.string()) })
  .meta({ id: "DispatchedCompatRun" });

export const toRunView = (run: CompatRun): z.input<typeof CompatRunView> => ({
  id: run.id,
  runtime: run.runtime,
  openclaw_version: run.openclawVersion,
  plugin_version: run.pluginVersion,
  cli_version: run.cliVersion,
  result: run.result,
  summary: run.summary,
  scenarios: [...run.scenarios],
  log_artifact_url: run.logArtifactUrl,
  triggered_by: run.triggeredBy,
  started_at: iso(run.startedAt),
  finished_at: isoOrNull(run.finishedAt),
  created_at: iso(run.createdAt),
});
