import type { z } from "zod";
import { iso, SECOND_MS } from "../../kernel/clock";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findAccountById, shownUsername } from "../accounts";
import { countShares } from "../bot-shares";
import { countBots } from "../bots";
import { countLocalInstances } from "../instances";
import { getEntitlements, limitOf, listEntitlements, type CountedFeature, type Entitlements } from "../plans";
import { boundsOf, gatheredBy, periodOf, toMb, warningsOf, type Gauge } from "./usage.core";
import { toEventView, toMetric, type PeriodQuery, type UsageListQuery, type UsageListView, type UsageView, type UserRef, type UserUsageView } from "./usage.schemas";
import { countUsageRows, listEvents, listFirstUsageRows, listSums, listUsageRows, type UsageCounts, type UsageRow } from "./usage.store";

/** How long this isolate believes a count, and of how many periods. */
const COUNT_CACHE_MS = 30 * SECOND_MS;
const PERIODS_MAX = 100;
const counted = new Map<string, { readonly counts: UsageCounts; readonly until: number }>();

/** Events that an administrator sees of a period. */
const RECENT_EVENTS = 25;

/** How full somebody's plan is, by feature, and what was uploaded within the period. */
export interface Usage {
  readonly gauges: Readonly<Record<Exclude<CountedFeature, "cloud_vm_included">, Gauge>>;
  readonly uploadedMb: number;
}

/** Media as of the end of `period`; machines, bots and shares as they are now. */
export async function readUsage(ctx: Ctx, tenantId: number, entitlements: Entitlements, period: string = periodOf(ctx.clock.now())): Promise<Usage> {
  const [machines, bots, shares, sums] = await Promise.all([countLocalInstances(ctx, tenantId), countBots(ctx, tenantId), countShares(ctx, tenantId, ctx.clock.now()), listSums(ctx, tenantId)]);
  const counted = (feature: CountedFeature, used: number): Gauge => ({ used, limit: limitOf(entitlements, feature), unit: "count" });
  return {
    gauges: {
      multiple_openclaw_instances: counted("multiple_openclaw_instances", machines),
      max_bots: counted("max_bots", bots),
      max_bot_shares: counted("max_bot_shares", shares),
      storage_mb: { used: toMb(gatheredBy(sums, period)), limit: limitOf(entitlements, "storage_mb"), unit: "MB" },
    },
    uploadedMb: toMb(sums.find((sum) => sum.period === period)?.used ?? 0),
  };
}

async function describeUsage(ctx: Ctx, tenantId: number, period: string) {
  const entitlements = await getEntitlements(ctx, tenantId);
  const { gauges, uploadedMb } = await readUsage(ctx, tenantId, entitlements, period);
  const metrics = Object.fromEntries(Object.entries({ ...gauges, media_uploaded_mb: { used: uploadedMb, limit: null, unit: "MB" as const } }).map(([name, gauge]) => [name, toMetric(gauge)]));
  return { plan: entitlements.plan, view: { period, plan_name: entitlements.plan.key, metrics, warnings: warningsOf(gauges) } };
}

/** What the caller uses of their plan in the current month. */
export async function getUsage(ctx: OwnerCtx): Promise<z.input<typeof UsageView>> {
  const period = periodOf(ctx.clock.now());
  const { startsAt, endsAt } = boundsOf(period);
  const { plan, view } = await describeUsage(ctx, ctx.actor.userId, period);
  return { ...view, plan_display_name: plan.name, period_start: iso(startsAt), period_end: iso(endsAt) };
}

/** What somebody uses of their plan, and the newest events behind the numbers. @throws AppError NOT_FOUND */
export async function getUserUsage(ctx: OwnerCtx, input: z.output<typeof UserRef> & z.output<typeof PeriodQuery>): Promise<z.input<typeof UserUsageView>> {
  const period = input.period ?? periodOf(ctx.clock.now());
  if (!(await findAccountById(ctx, input.user_id))) throw notFound("User");
  const [{ view }, events] = await Promise.all([describeUsage(ctx, input.user_id, period), listEvents(ctx, input.user_id, period, RECENT_EVENTS)]);
  return { ...view, recent_events: events.map(toEventView) };
}

/** A page of {@link listUsage}. Whoever turns pages does not count again each time. */
async function readUsagePage(ctx: Ctx, period: string, page: { readonly offset: number; readonly limit: number }): Promise<{ readonly rows: readonly UsageRow[]; readonly counts: UsageCounts }> {
  const now = ctx.clock.now();
  const known = counted.get(period);
  if (page.offset > 0 && known && known.until > now) return { rows: await listUsageRows(ctx, period, known.counts, page), counts: known.counts };
  const first = page.offset === 0 ? await listFirstUsageRows(ctx, period, page.limit) : null;
  const counts = first?.counts ?? (await countUsageRows(ctx, period));
  if (counted.size >= PERIODS_MAX) counted.clear();
  counted.set(period, { counts, until: now + COUNT_CACHE_MS });
  return { rows: first?.rows ?? (await listUsageRows(ctx, period, counts, page)), counts };
}

/** What everybody uses: uploads and stored media by the end of the period, bots as of now. */
export async function listUsage(ctx: OwnerCtx, query: z.output<typeof UsageListQuery>): Promise<z.input<typeof UsageListView>> {
  const period = query.period ?? periodOf(ctx.clock.now());
  const { rows, counts } = await readUsagePage(ctx, period, query);
  const total = counts.uploaders + counts.others;
  const entitlements = await listEntitlements(ctx, rows.map((row) => row.userId));
  const users = rows.flatMap((row) => {
    const theirs = entitlements.get(row.userId);
    return theirs
      ? [
          {
            user_id: row.userId,
            username: shownUsername(row) ?? "",
            email: row.email,
            plan_name: theirs.plan.key,
            storage_mb_used: toMb(row.storedBytes),
            storage_mb_limit: limitOf(theirs, "storage_mb"),
            media_uploaded_mb: toMb(row.uploadedBytes),
            active_bots: row.activeBots,
          },
        ]
      : [];
  });
  return { period, users, total, limit: query.limit, offset: query.offset };
}
