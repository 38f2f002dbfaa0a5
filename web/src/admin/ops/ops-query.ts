/** The server's own work in the query cache. What moves is asked for again while its page is open. */
import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { getKeys, getLag, getStats, listCronFailures, listCronJobs, listCronRuns, listDeadLetters, listEffects, listFindings, listGates, listReseals, searchAudit } from "../ops.api";
import { readAuditSearch, type AuditSearch } from "./audit-filter.core";
import { foldLag, type LagTrack } from "./health.core";

const KEY = ["admin", "ops"] as const;
const LAG_KEY = [...KEY, "lag"] as const;
const LOOK_MS = 10_000;
const CRON_MS = 30_000;
const RESEAL_MS = 3_000;
const TRACK_KEPT_MS = 60 * 60_000;

/** The lag with what was seen of it since the page was opened: the server keeps no history of it. */
export const lagQuery = queryOptions({
  queryKey: LAG_KEY,
  queryFn: async ({ signal, client }): Promise<LagTrack> => {
    const lag = await getLag(signal);
    return foldLag(client.getQueryData<LagTrack>(LAG_KEY), lag, Date.now());
  },
  refetchInterval: LOOK_MS,
  gcTime: TRACK_KEPT_MS,
});
export const statsQuery = queryOptions({ queryKey: [...KEY, "stats"], queryFn: ({ signal }) => getStats(signal), staleTime: 60_000 });
export const cronQuery = queryOptions({ queryKey: [...KEY, "cron"], queryFn: ({ signal }) => listCronJobs(signal), refetchInterval: CRON_MS });
export const cronRunsQuery = (job: string) => queryOptions({ queryKey: [...KEY, "cron", job], queryFn: ({ signal }) => listCronRuns(job, signal), refetchInterval: CRON_MS });

const pages = { initialPageParam: null as string | null, getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor };

export const cronFailuresQuery = infiniteQueryOptions({ queryKey: [...KEY, "cron-failures"], queryFn: ({ pageParam, signal }) => listCronFailures(pageParam, signal), ...pages });
export const lettersQuery = infiniteQueryOptions({ queryKey: [...KEY, "letters"], queryFn: ({ pageParam, signal }) => listDeadLetters(pageParam, signal), ...pages });
export const parkedQuery = infiniteQueryOptions({ queryKey: [...KEY, "parked"], queryFn: ({ pageParam, signal }) => listEffects("parked", pageParam, signal), ...pages });
export const findingsQuery = (state: "open" | "resolved") => infiniteQueryOptions({ queryKey: [...KEY, "findings", state], queryFn: ({ pageParam, signal }) => listFindings(state, pageParam, signal), ...pages });
/** "7d" is counted from when it is asked, so that the question stays the same. */
export const auditQuery = (search: AuditSearch) =>
  infiniteQueryOptions({ queryKey: [...KEY, "audit", search], queryFn: ({ pageParam, signal }) => searchAudit(readAuditSearch(search, Date.now()).filter, pageParam, signal), ...pages });

export const gatesQuery = queryOptions({ queryKey: [...KEY, "gates"], queryFn: ({ signal }) => listGates(signal) });
export const keysQuery = queryOptions({ queryKey: [...KEY, "keys"], queryFn: ({ signal }) => getKeys(signal) });
export const resealsQuery = queryOptions({
  queryKey: [...KEY, "reseals"],
  queryFn: ({ signal }) => listReseals(signal),
  refetchInterval: ({ state }) => (state.data?.some((run) => run.state === "running") ? RESEAL_MS : false),
});

/** All of the server's work is read again. */
export const refreshOps = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: KEY });
