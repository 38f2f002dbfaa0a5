/** What the administrators' pages read, in the query cache. */
import { infiniteQueryOptions, keepPreviousData, queryOptions, type QueryClient } from "@tanstack/react-query";
import { findPersonDowngrade, getAdminProfile, getPerson, getPersonUsage, getSecurity, inspectMachine, listBots, listMachines, listPeople, listPlans } from "./admin.api";
import type { PeopleFilter } from "./people/people-filter.core";

const KEY = ["admin"] as const;
const INSPECT_MS = 15_000;

export const adminProfileQuery = queryOptions({ queryKey: [...KEY, "profile"], queryFn: ({ signal }) => getAdminProfile(signal), staleTime: 60_000 });

export const peopleQuery = (filter: PeopleFilter) => queryOptions({ queryKey: [...KEY, "people", filter], queryFn: ({ signal }) => listPeople(filter, signal), placeholderData: keepPreviousData });
export const personQuery = (id: number) => queryOptions({ queryKey: [...KEY, "person", id, "row"], queryFn: ({ signal }) => getPerson(id, signal) });
export const securityQuery = (id: number) => queryOptions({ queryKey: [...KEY, "person", id, "security"], queryFn: ({ signal }) => getSecurity(id, signal) });
export const personUsageQuery = (id: number) => queryOptions({ queryKey: [...KEY, "person", id, "usage"], queryFn: ({ signal }) => getPersonUsage(id, signal) });
export const personDowngradeQuery = (id: number) => queryOptions({ queryKey: [...KEY, "person", id, "downgrade"], queryFn: ({ signal }) => findPersonDowngrade(id, signal) });
export const plansQuery = queryOptions({ queryKey: [...KEY, "plans"], queryFn: ({ signal }) => listPlans(signal), staleTime: 60_000 });

/** Everything about one person is read again. */
export const refreshPerson = (client: QueryClient, id: number): Promise<void> => client.invalidateQueries({ queryKey: [...KEY, "person", id] });
/** Lists of people are read again when they are next looked at. */
export const forgetPeople = (client: QueryClient): void => client.removeQueries({ queryKey: [...KEY, "people"] });

export const inspectionQuery = (userId: number, instanceId: string) =>
  queryOptions({ queryKey: [...KEY, "inspection", userId, instanceId], queryFn: ({ signal }) => inspectMachine(userId, instanceId, signal), refetchInterval: INSPECT_MS });

const pages = { initialPageParam: null as string | null, getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor };

export const machinesQuery = (search: string) => infiniteQueryOptions({ queryKey: [...KEY, "machines", search], queryFn: ({ pageParam, signal }) => listMachines(search, pageParam, signal), placeholderData: keepPreviousData, ...pages });
export const botsQuery = (search: string) => infiniteQueryOptions({ queryKey: [...KEY, "bots", search], queryFn: ({ pageParam, signal }) => listBots(search, pageParam, signal), placeholderData: keepPreviousData, ...pages });
