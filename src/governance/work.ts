import type { CronJob } from "../kernel/family";
import type { JobHandlers } from "../kernel/jobs/consume";
import type { EffectHandlers } from "../kernel/outbox/drain";

/** Kind of an object's changes → what makes D1 show them. */
const projectors = {
  budget: async () => (await import("./budgets")).budgetProjector,
  tenant: async () => (await import("./tenants")).tenantProjector,
  policy: async () => (await import("./policies")).policyProjector,
  rollout: async () => (await import("./awareness")).rolloutProjector,
  participation: async () => (await import("./awareness")).participationProjector,
};

/** Message type → lazy handler. */
export const governanceJobs: JobHandlers = {
  "governance.project": async () => (await import("./projections")).projectJob(projectors),
  "tenants.reconcile_page": async () => (await import("./tenants")).reconcilePageJob,
  "metrics.check_drift": async () => async (ctx) => (await import("./metrics")).checkDrift(ctx),
  "contracts.refresh": async () => (await import("./contracts/contracts.jobs")).refreshContracts,
  "contracts.refresh_page": async () => (await import("./contracts/contracts.jobs")).refreshPage,
  "cluster_tenant.place": async () => (await import("./cluster-tenants")).placeClusterTenant,
  "skill_bundles.backfill": async () => (await import("./skill-bundles")).backfillJob,
  "source.sync": async () => (await import("./sources")).syncJob,
  "budget.usage": async () => (await import("./token-usage")).recordUsageJob,
};

/** Effect type → handler, loaded when the first such effect is delivered. */
export const governanceEffects: EffectHandlers = {
  "tenants.reconcile": async () => (await import("./tenants")).reconcileEffect,
  "contracts.refresh": async () => (await import("./contracts/contracts.jobs")).refreshContracts,
  "cluster_tenant.place": async () => (await import("./cluster-tenants")).placeClusterTenant,
  "skill_bundles.backfill": async () => (await import("./skill-bundles")).continueBackfill,
  "source.sync": async () => (await import("./sources")).sendSync,
  "tenant_sessions.cut": async () => (await import("./tenant-sessions")).cutSockets,
  "cluster_tenant.release": async () => (await import("./cluster-tenants")).releasePlace,
};

/** What machines may do, and who listens, must have changed when the answer leaves. */
export const governancePromptEffects: ReadonlySet<string> = new Set(["tenants.reconcile", "contracts.refresh", "tenant_sessions.cut"]);

/** Cron string of wrangler.toml → jobs. */
export const governanceCrons: Readonly<Record<string, Readonly<Record<string, CronJob>>>> = {
  "* * * * *": {
    "cluster_tenants.place": async (ctx) => (await import("./cluster-tenants")).enqueuePlacements(ctx),
  },
  "*/5 * * * *": {
    "contracts.deliver": async (ctx) => (await import("./contracts/contracts.jobs")).enqueueUndelivered(ctx),
    "sources.sync": async (ctx) => (await import("./sources")).enqueueDueSyncs(ctx),
  },
  "17 * * * *": {
    "auth.forget": async (ctx) => {
      const now = ctx.clock.now();
      await (await import("./auth")).forgetEndedSessions(ctx, now);
      await (await import("./device-grants")).forgetEndedGrants(ctx, now);
      await (await import("./tenant-sessions")).forgetBrokered(ctx, now);
    },
    "contracts.sweep": async (ctx) => (await import("./contracts/contracts.jobs")).sweepContracts(ctx),
    "metrics.check_drift": async (ctx) => (await import("./metrics")).enqueueDriftCheck(ctx),
    "tenants.reconcile": async (ctx) => (await import("./tenants")).enqueueReconcile(ctx),
    "skill_bundles.clean_up": async (ctx) => (await import("./skill-bundles")).removeUnusedContents(ctx),
    "token_usage.forget": async (ctx) => (await import("./token-usage")).forgetOldUsage(ctx),
  },
};
