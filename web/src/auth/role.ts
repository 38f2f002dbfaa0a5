import { queryOptions } from "@tanstack/react-query";
import { roleOfToken } from "./role.core";
import { findAccessToken } from "./tokens";

const LOOK_MS = 5 * 60_000;

/** Costs no request but the token's own renewal, so that ordinary people load nothing of the administrators' pages. */
export const roleQuery = queryOptions({ queryKey: ["role"], queryFn: async () => roleOfToken(await findAccessToken()), staleTime: LOOK_MS, refetchInterval: LOOK_MS });
