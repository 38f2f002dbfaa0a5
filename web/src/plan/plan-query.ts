/** Plans in the query cache. */
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { findDowngrade, findUpgrade, getSubscription, listMeters, listOffers, listParkedMachines, listPayments } from "./plan.api";

const PLAN_KEY = ["plan"] as const;
/** A plan changes by a payment or by an administrator, so open pages look again now and then. */
const LOOK_MS = 2 * 60_000;
/** While a payment just made is being confirmed. */
export const CONFIRM_POLL_MS = 2_000;

export const subscriptionQuery = queryOptions({ queryKey: [...PLAN_KEY, "subscription"], queryFn: ({ signal }) => getSubscription(signal) });
export const offersQuery = queryOptions({ queryKey: [...PLAN_KEY, "offers"], queryFn: ({ signal }) => listOffers(signal), staleTime: LOOK_MS });
export const metersQuery = queryOptions({ queryKey: [...PLAN_KEY, "usage"], queryFn: ({ signal }) => listMeters(signal) });
export const paymentsQuery = (limit: number) => queryOptions({ queryKey: [...PLAN_KEY, "payments", limit], queryFn: ({ signal }) => listPayments(limit, signal) });

export const parkedMachinesQuery = queryOptions({ queryKey: [...PLAN_KEY, "parked"], queryFn: ({ signal }) => listParkedMachines(signal), staleTime: 30_000 });

/** Null: nothing is to be chosen. Asked for on every page. */
export const downgradeQuery = queryOptions({ queryKey: [...PLAN_KEY, "downgrade"], queryFn: ({ signal }) => findDowngrade(signal), refetchInterval: LOOK_MS, staleTime: 30_000 });
export const upgradeQuery = queryOptions({ queryKey: [...PLAN_KEY, "upgrade"], queryFn: ({ signal }) => findUpgrade(signal), refetchInterval: LOOK_MS, staleTime: 30_000 });

/** Everything about the plan is read again. */
export const refreshPlan = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: PLAN_KEY });
