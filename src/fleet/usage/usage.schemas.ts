import { z } from "zod";
import { MEDIA_METRIC, percentOf, PERIOD_PATTERN, toMb, type Gauge } from "./usage.core";
import type { UsageEvent } from "./usage.store";

/** More than any homeserver takes in one upload. */
const MAX_UPLOAD_BYTES = 2 ** 40;

export const TrackMediaBody = z.object({ size_bytes: z.int().min(1).max(MAX_UPLOAD_BYTES) }).meta({ id: "TrackMediaRequest" });

const Period = z.string().regex(PERIOD_PATTERN, "A month such as 2026-11");

export const PeriodQuery = z.object({ period: Period.nullish() });

export const UsageListQuery = PeriodQuery.extend({ limit: z.coerce.number().int().min(1).max(500).default(200), offset: z.coerce.number().int().min(0).max(1_000_000).default(0) });

export const UserRef = z.object({ user_id: z.coerce.number().int() });

const UsageMetric = z.object({ used: z.number(), limit: z.number().nullable(), unit: z.string(), pct: z.number().nullable() }).meta({ id: "AdminUserUsageMetric" });

export const UsageWarningView = z
  .object({ feature: z.string(), level: z.enum(["warning", "critical"]), threshold: z.int(), used: z.number(), limit: z.number(), pct: z.number(), message: z.string() })
  .meta({ id: "UsageWarning" });

const UsageEventView = z.object({ id: z.string(), metric: z.string(), size_bytes: z.int(), size_mb: z.number(), created_at: z.iso.datetime() }).meta({ id: "UsageEvent" });

const usage = {
  period: z.string(),
  plan_name: z.string().nullable(),
  metrics: z.record(z.string(), UsageMetric),
  warnings: z.array(UsageWarningView),
};

export const UsageView = z.object({ ...usage, period_start: z.iso.datetime(), period_end: z.iso.datetime(), plan_display_name: z.string() }).meta({ id: "UsageResponse" });

export const UserUsageView = z.object({ ...usage, recent_events: z.array(UsageEventView) }).meta({ id: "AdminUserUsageResponse" });

export const TrackedMediaView = z
  .object({ success: z.boolean(), period: z.string(), storage_mb_used: z.number(), storage_mb_limit: z.number().nullable(), warnings: z.array(UsageWarningView) })
  .meta({ id: "TrackMediaResponse" });

export const UsageListView = z
  .object({
    period: z.string(),
    users: z.array(
      z
        .object({ user_id: z.int(), username: z.string(), email: z.string(), plan_name: z.string(), storage_mb_used: z.number(), storage_mb_limit: z.number().nullable(), media_uploaded_mb: z.number(), active_bots: z.int() })
        .meta({ id: "PlatformUsageUser" }),
    ),
    total: z.int(),
    limit: z.int(),
    offset: z.int(),
  })
  .meta({ id: "PlatformUsage" });

export const toMetric = (gauge: Gauge): z.input<typeof UsageMetric> => ({ used: gauge.used, limit: gauge.limit, unit: gauge.unit, pct: percentOf(gauge) });

export const toEventView = (event: UsageEvent): z.input<typeof UsageEventView> => ({
  id: event.id,
  metric: event.metric === MEDIA_METRIC ? "storage_mb" : event.metric,
  size_bytes: event.amount,
  size_mb: toMb(event.amount),
  created_at: new Date(event.createdAt).toISOString(),
});
