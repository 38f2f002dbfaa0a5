import { queryOptions } from "@tanstack/react-query";
import { publicApi, unwrap } from "./client";
import type { Health } from "./live-types";

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async (): Promise<Health> => unwrap(await publicApi.GET("/health")),
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
});
