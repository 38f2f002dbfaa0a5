/** What the governance pages read, in the query cache. What moves by itself is asked for again while its page is open. */
import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { getGlobalBudget, listAccessTokens, listAccountBudgets, listGroups, listProviderKeys, listServers, listSkills, listSources, listUsage } from "./assets.api";
import {
  afterMachines,
  findModelKey,
  getDatasets,
  getEffectiveContract,
  getParticipation,
  getPolicy,
  getPolicyDrift,
  getRollout,
  getSpend,
  getTenant,
  getTenantDrift,
  listPolicies,
  listTenantMachines,
  listTenants,
  listTrail,
} from "./governance.api";

const KEY = ["governance"] as const;
const LOOK_MS = 30_000;
/** A machine takes a new contract within seconds. */
const MACHINES_MS = 5_000;
const SYNC_MS = 3_000;

export const tenantsQuery = queryOptions({ queryKey: [...KEY, "tenants"], queryFn: ({ signal }) => listTenants(signal) });
export const tenantQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "row"], queryFn: ({ signal }) => getTenant(name, signal), refetchInterval: LOOK_MS });
export const spendQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "spend"], queryFn: ({ signal }) => getSpend(name, signal), staleTime: LOOK_MS });
export const datasetsQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "datasets"], queryFn: ({ signal }) => getDatasets(name, signal) });
export const contractQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "contract"], queryFn: ({ signal }) => getEffectiveContract(name, signal) });
export const modelKeyQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "key"], queryFn: ({ signal }) => findModelKey(name, signal) });
export const tenantMachinesQuery = (name: string) =>
  infiniteQueryOptions({
    queryKey: [...KEY, "tenant", name, "machines"],
    queryFn: ({ pageParam, signal }) => listTenantMachines(name, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: afterMachines,
    refetchInterval: MACHINES_MS,
  });
/** How many machines and how many of them in sync, for a row of the list; no more than one page is counted. */
export const machineCountQuery = (name: string) => queryOptions({ queryKey: [...KEY, "tenant", name, "machine-count"], queryFn: ({ signal }) => listTenantMachines(name, "", signal), staleTime: LOOK_MS });

export const policiesQuery = queryOptions({ queryKey: [...KEY, "policies"], queryFn: ({ signal }) => listPolicies(signal) });
export const policyQuery = (name: string) => queryOptions({ queryKey: [...KEY, "policy", name], queryFn: ({ signal }) => getPolicy(name, signal) });
export const tenantDriftQuery = queryOptions({ queryKey: [...KEY, "drift", "tenants"], queryFn: ({ signal }) => getTenantDrift(signal), refetchInterval: LOOK_MS });
export const policyDriftQuery = queryOptions({ queryKey: [...KEY, "drift", "policies"], queryFn: ({ signal }) => getPolicyDrift(signal), refetchInterval: LOOK_MS });
export const participationQuery = queryOptions({ queryKey: [...KEY, "participation"], queryFn: ({ signal }) => getParticipation(signal), refetchInterval: LOOK_MS });
export const rolloutQuery = queryOptions({ queryKey: [...KEY, "rollout"], queryFn: ({ signal }) => getRollout(signal) });
export const trailQuery = (tenant: string) =>
  infiniteQueryOptions({
    queryKey: [...KEY, "trail", tenant],
    queryFn: ({ pageParam, signal }) => listTrail(tenant, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ pagination }) => (pagination.hasMore ? (pagination.nextCursor ?? null) : null),
  });

export const globalBudgetQuery = queryOptions({ queryKey: [...KEY, "budget", "global"], queryFn: ({ signal }) => getGlobalBudget(signal), refetchInterval: LOOK_MS });
export const accountBudgetsQuery = queryOptions({ queryKey: [...KEY, "budget", "accounts"], queryFn: ({ signal }) => listAccountBudgets(signal), refetchInterval: LOOK_MS });
export const usageQuery = queryOptions({ queryKey: [...KEY, "usage"], queryFn: ({ signal }) => listUsage(signal), staleTime: LOOK_MS });
export const providerKeysQuery = queryOptions({ queryKey: [...KEY, "providers"], queryFn: ({ signal }) => listProviderKeys(signal) });

export const serversQuery = queryOptions({ queryKey: [...KEY, "servers"], queryFn: ({ signal }) => listServers(signal) });
export const skillsQuery = queryOptions({ queryKey: [...KEY, "skills"], queryFn: ({ signal }) => listSkills(signal) });
export const sourcesQuery = queryOptions({
  queryKey: [...KEY, "sources"],
  queryFn: ({ signal }) => listSources(signal),
  refetchInterval: ({ state }) => (state.data?.some((source) => source.syncStatus === "syncing") ? SYNC_MS : false),
});
export const accessTokensQuery = queryOptions({ queryKey: [...KEY, "tokens"], queryFn: ({ signal }) => listAccessTokens(signal) });
export const groupsQuery = queryOptions({ queryKey: [...KEY, "groups"], queryFn: ({ signal }) => listGroups(signal) });

/** Everything of governance is read again: most changes reach tenants, contracts and the trail at once. */
export const refreshGovernance = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: KEY });
/** A tenant that is gone is not asked for again. */
export const forgetTenant = (client: QueryClient, name: string): void => client.removeQueries({ queryKey: [...KEY, "tenant", name] });
export const forgetPolicy = (client: QueryClient, name: string): void => client.removeQueries({ queryKey: [...KEY, "policy", name] });
