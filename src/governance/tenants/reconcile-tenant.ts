import { directoryObject, tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { governanceConfig } from "../config";
import { readPolicies, resolvePolicy, type Policy } from "../policies";
import { project, type TenantScope } from "../projections";
import { tenantProjector } from "./tenant-projector";
import type { PolicyResolution, TenantState } from "./tenants.core";

/** Tenants looked at in one go: each may get another policy, and with it a contract, all within one invocation's calls. */
const PAGE = 20;

/**
 * Finds out which policy applies to a tenant and lets its object, and D1, know. Harmless when repeated; whoever began earlier than
 * another is not heard after it.
 */
export const reconcileTenant = (ctx: Ctx, name: string): Promise<void> => reconcileTenants(ctx, [name]);

/**
 * {@link reconcileTenant} for at most a page of tenants. The policies are read after the objects were asked, which is what their tickets vouch for.
 * @throws Error of the first that failed, after all were tried: one tenant that fails stops no other
 */
async function reconcileTenants(ctx: Ctx, names: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  const attempt = <T>(work: Promise<T>): Promise<T | null> =>
    work.catch((error: unknown) => {
      failures.push(error);
      return null;
    });
  const looks = (await Promise.all(names.map((name) => attempt(tenantObject(ctx.objects, name).look())))).filter((look) => look !== null);
  const policies = looks.length === 0 ? [] : await readPolicies(ctx);
  await Promise.all(looks.map((look) => attempt(observe(ctx, look, policies))));
  if (failures.length > 0) throw failures[0];
}

async function observe(ctx: Ctx, { state, ticket }: { readonly state: TenantState; readonly ticket: number }, policies: readonly Policy[]): Promise<void> {
  const { name } = state;
  const answer = await tenantObject(ctx.objects, name).observe(resolve(state, policies, governanceConfig(ctx).tenants.defaultPolicyRef), ticket);
  if (answer.kind === "ok" && answer.entry) await project(ctx, { object: "tenant", name }, answer.entry, tenantProjector);
}

function resolve({ name, spec }: TenantState, policies: readonly Policy[], defaultRef: string | null): PolicyResolution {
  const { state, source, policy, message } = resolvePolicy({ name, team: spec.team, labels: spec.labels, policyRef: spec.policyRef }, policies, defaultRef);
  const wanted = source === "ref" ? spec.policyRef : source === "default" ? defaultRef : null;
  return { name: policy?.name ?? wanted, source, state, message };
}

/**
 * The tenants of `scope`, page by page: the first at once, the others over the queue.
 * @param run tells this walk from others, so that a page comes once
 */
export async function reconcileScope(ctx: Ctx, scope: TenantScope, run: string): Promise<void> {
  if (scope === "all") return reconcilePage(ctx, run, null);
  for (let start = 0; start < scope.length; start += PAGE) await reconcileTenants(ctx, scope.slice(start, start + PAGE));
}

/** The tenants after `after` in the directory's order; sends for the next ones. */
export async function reconcilePage(ctx: Ctx, run: string, after: string | null): Promise<void> {
  const { entries, next } = await directoryObject(ctx.objects).list(after, PAGE);
  // Sent first: a page that fails again and again keeps nobody else waiting.
  if (next !== null) await ctx.services.jobs.send({ v: 1, id: `tenants.reconcile:${run}:${next}`, type: "tenants.reconcile_page", payload: { run, after: next } });
  await reconcileTenants(ctx, entries.map(({ name }) => name));
}

/** Sends for a look at all tenants: whatever got lost on its way, or changed in the configuration, is found out then. */
export const enqueueReconcile = (ctx: Ctx): Promise<void> => ctx.services.jobs.send({ v: 1, id: `tenants.reconcile:${ctx.requestId}:`, type: "tenants.reconcile_page", payload: { run: ctx.requestId, after: "" } });
