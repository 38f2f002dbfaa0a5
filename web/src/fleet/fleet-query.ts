/** The fleet in the query cache: read once over HTTP, then kept current by the stream. */
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import type { paths } from "../../../clients/fleet.gen";
import { api, unwrap } from "../api/client";
import { EMPTY_FLEET, reduceFleet } from "./fleet.reducer";
import type { FleetAction, FleetState } from "./fleet.types";

export const FLEET_KEY = ["fleet"] as const;

type MachinesQuery = NonNullable<paths["/api/v1/dashboard/machines"]["get"]["parameters"]["query"]>;

// The stream carries machines of every provider, so the list must too. The flag is written as published clients write it, whatever
// type the document gives it.
const ALL_PROVIDERS = { include_cloud: "1" } as unknown as MachinesQuery;

export function fleetQuery(client: QueryClient) {
  return queryOptions({
    queryKey: FLEET_KEY,
    queryFn: async ({ signal }): Promise<FleetState> => {
      const requestedAtMs = Date.now();
      const [list, overview] = await Promise.all([
        api.GET("/api/v1/dashboard/machines", { params: { query: ALL_PROVIDERS }, signal }).then(unwrap),
        api.GET("/api/v1/dashboard/overview", { signal }).then(unwrap),
      ]);
      return reduceFleet(findFleet(client), {
        kind: "snapshot",
        machines: list.machines,
        overview,
        requestedAtMs,
        receivedAtMs: Date.now(),
      });
    },
    // Events replace single entries; comparing a thousand machines deeply on each would cost more than it saves.
    structuralSharing: false,
    staleTime: 30_000,
    gcTime: Number.POSITIVE_INFINITY,
  });
}

export function findFleet(client: QueryClient): FleetState {
  return client.getQueryData<FleetState>(FLEET_KEY) ?? EMPTY_FLEET;
}

/** Applies an action to what is cached; before the first answer there is nothing to act on but a whole fleet. */
export function dispatchFleet(client: QueryClient, actions: readonly FleetAction[]): void {
  client.setQueryData<FleetState>(FLEET_KEY, (cached) => {
    const state = actions.reduce(reduceFleet, cached ?? EMPTY_FLEET);
    return cached === undefined && !state.loaded ? undefined : state;
  });
}
