/** The calls about tenants, policies, awareness and the trail, one function each. */
import { asApiError } from "../api/errors";
import { governanceApi as api, take } from "./client";
import type { Datasets, NewPolicy, NewTenant, PolicyChange, TenantChange } from "./governance.types";

const named = (name: string) => ({ params: { path: { name } } });

export const listTenants = async (signal: AbortSignal) => take(await api.GET("/api/v1/tenants", { signal }));
export const getTenant = async (name: string, signal: AbortSignal) => take(await api.GET("/api/v1/tenants/{name}", { ...named(name), signal }));
export const createTenant = async (body: NewTenant) => take(await api.POST("/api/v1/tenants", { body }));
export const changeTenant = async (name: string, body: TenantChange) => take(await api.PUT("/api/v1/tenants/{name}", { ...named(name), body }));
export const suspendTenant = async (name: string) => take(await api.POST("/api/v1/tenants/{name}/suspend", named(name)));
export const resumeTenant = async (name: string) => take(await api.POST("/api/v1/tenants/{name}/resume", named(name)));
export const deleteTenant = async (name: string) => take(await api.DELETE("/api/v1/tenants/{name}", named(name)));
export const getDatasets = async (name: string, signal: AbortSignal) => take(await api.GET("/api/v1/tenants/{name}/datasets", { ...named(name), signal }));
export const putDatasets = async (name: string, body: Datasets) => take(await api.PUT("/api/v1/tenants/{name}/datasets", { ...named(name), body }));
export const getEffectiveContract = async (name: string, signal: AbortSignal) => take(await api.GET("/api/v1/tenants/{name}/effective-contract", { ...named(name), signal }));
export const getSpend = async (tenantName: string, signal: AbortSignal) => take(await api.GET("/api/v1/ai-budget/{tenantName}/spend", { params: { path: { tenantName } }, signal }));

const MACHINES_PER_PAGE = 100;
export const listTenantMachines = async (name: string, after: string, signal: AbortSignal) =>
  take(await api.GET("/api/v1/tenants/{name}/machines", { params: { path: { name }, query: { limit: MACHINES_PER_PAGE, ...(after ? { after } : {}) } }, signal }));
/** Where the page after this one begins; null after the last. */
export const afterMachines = (page: readonly { instanceId: string }[]): string | null => (page.length < MACHINES_PER_PAGE ? null : (page.at(-1)?.instanceId ?? null));
export const attachMachine = async (name: string, instanceId: string, owner: string) =>
  take(await api.PUT("/api/v1/tenants/{name}/machines/{instanceId}", { params: { path: { name, instanceId } }, body: owner === "" ? {} : { owner } }));
export const detachMachine = async (name: string, instanceId: string) => take(await api.DELETE("/api/v1/tenants/{name}/machines/{instanceId}", { params: { path: { name, instanceId } } }));

const keyPath = (tenantName: string) => ({ params: { path: { tenantName } } });
/** Null: the tenant never had one. */
export async function findModelKey(tenantName: string, signal: AbortSignal) {
  try {
    return take(await api.GET("/api/v1/ai-budget/{tenantName}/litellm-key", { ...keyPath(tenantName), signal }));
  } catch (error) {
    if (asApiError(error).status === 404) return null;
    throw error;
  }
}
export const issueModelKey = async (tenantName: string) => take(await api.POST("/api/v1/ai-budget/{tenantName}/litellm-key", keyPath(tenantName)));
export const revokeModelKey = async (tenantName: string) => take(await api.POST("/api/v1/ai-budget/{tenantName}/litellm-key/revoke", keyPath(tenantName)));

export const listPolicies = async (signal: AbortSignal) => take(await api.GET("/api/v1/policies", { signal }));
export const getPolicy = async (name: string, signal: AbortSignal) => take(await api.GET("/api/v1/policies/{name}", { ...named(name), signal }));
export const createPolicy = async (body: NewPolicy) => take(await api.POST("/api/v1/policies", { body }));
export const changePolicy = async (name: string, body: PolicyChange) => take(await api.PUT("/api/v1/policies/{name}", { ...named(name), body }));
export const deletePolicy = async (name: string) => take(await api.DELETE("/api/v1/policies/{name}", named(name)));

export const getTenantDrift = async (signal: AbortSignal) => take(await api.GET("/api/v1/tenants/drift", { signal }));
export const getPolicyDrift = async (signal: AbortSignal) => take(await api.GET("/api/v1/policies/drift", { signal }));
export const repairTenants = async (dryRun: boolean) => take(await api.POST("/api/v1/tenants/repair", { params: { query: { dryRun } } }));
export const repairPolicies = async (dryRun: boolean) => take(await api.POST("/api/v1/policies/repair", { params: { query: { dryRun } } }));

export const getParticipation = async (signal: AbortSignal) => take(await api.GET("/api/v1/awareness/participation", { signal }));
export const getRollout = async (signal: AbortSignal) => take(await api.GET("/api/v1/awareness/rollout", { signal }));
export const promoteWave = async (wave: string) => take(await api.POST("/api/v1/awareness/rollout/promote", { body: { wave } }));
export const rollBack = async () => take(await api.POST("/api/v1/awareness/rollout/rollback"));
export const setRollout = async (body: { targetVersion: string; stableVersion: string; waves: string[]; shadowMode: boolean }) => take(await api.PUT("/api/v1/awareness/rollout", { body }));

const TRAIL_LIMIT = 50;
export const listTrail = async (tenant: string, cursor: string | null, signal: AbortSignal) =>
  take(await api.GET("/api/v1/audit", { params: { query: { limit: TRAIL_LIMIT, ...(tenant ? { tenant } : {}), ...(cursor ? { cursor } : {}) } }, signal }));
