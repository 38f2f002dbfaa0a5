/** Bots in the query cache. Lists come over HTTP and are read again when the live fleet says that something about a bot changed. */
import { queryOptions, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useFleet } from "../fleet/use-fleet";
import { getBot, getBotStatus, listBots, listPendingPairs, listSkills } from "./bots.api";
import { fleetBotsVersion, placeBots, sortBots, toBotRow, type BotRow } from "./bots.core";
import type { Bot, BotStatus } from "./bots.types";

const BOTS_KEY = ["bots"] as const;
export const SHARED_KEY = ["shared-bots"] as const;
const CHANGE_PAUSE_MS = 300;
/** While a code waits its taker is asked for too, in case the stream is down. */
const CODE_POLL_MS = 5_000;
const STATUS_POLL_MS = 30_000;

export const botKey = (botId: string, part: string) => ["bots", botId, part] as const;

const botsQuery = queryOptions({ queryKey: [...BOTS_KEY, "list"], queryFn: ({ signal }) => listBots(signal) });
const botQuery = (botId: string) => queryOptions({ queryKey: botKey(botId, "bot"), queryFn: ({ signal }) => getBot(botId, signal) });
const statusQuery = (botId: string) => queryOptions({ queryKey: botKey(botId, "status"), queryFn: ({ signal }) => getBotStatus(botId, signal), refetchInterval: STATUS_POLL_MS });
const pendingQuery = queryOptions({
  queryKey: [...BOTS_KEY, "codes"],
  queryFn: async ({ signal }) => {
    const askedAtMs = Date.now();
    return (await listPendingPairs(signal)).map((pair) => ({ ...pair, expiresAtMs: askedAtMs + pair.expires_in * 1000 }));
  },
  refetchInterval: ({ state }) => (state.data && state.data.length > 0 ? CODE_POLL_MS : false),
});
export const skillsQuery = queryOptions({ queryKey: ["skills"], queryFn: ({ signal }) => listSkills(signal) });

/** Everything about bots is read again, the open page at once. */
export const refreshBots = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: BOTS_KEY });

/** Shows a changed bot before anybody is asked again. */
export function recordBot(client: QueryClient, bot: Bot): void {
  client.setQueryData(botQuery(bot.id).queryKey, bot);
  client.setQueryData(botsQuery.queryKey, (bots) => bots && [...bots.filter(({ id }) => id !== bot.id), bot]);
}

/** Takes a deleted bot out of every list. */
export function forgetBot(client: QueryClient, botId: string): void {
  client.setQueryData(botsQuery.queryKey, (bots) => bots?.filter(({ id }) => id !== botId));
}

/** Reads the lists again a moment after the live fleet changed, so that a burst costs one request. */
function useFreshBots(version: string): void {
  const client = useQueryClient();
  const read = useRef(version);
  useEffect(() => {
    if (read.current === version) return;
    read.current = version;
    const timer = setTimeout(() => void refreshBots(client), CHANGE_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [client, version]);
}

/** All bots of the person, live. */
export function useBots() {
  const fleet = useFleet();
  const bots = useQuery(botsQuery);
  const codes = useQuery(pendingQuery);
  useFreshBots(fleetBotsVersion(fleet.data));
  const rows = useMemo(() => {
    if (!bots.data) return null;
    const places = placeBots(fleet.data);
    const waiting = new Set(codes.data?.map(({ bot_id }) => bot_id));
    return sortBots(bots.data).map((bot) => toBotRow(bot, fleet.data, places, waiting.has(bot.id)));
  }, [bots.data, codes.data, fleet.data]);
  return { rows, bots };
}

export interface LiveBotView {
  row: BotRow | null;
  status: BotStatus | null;
  /** The pairing that a repair names. */
  sessionId: string | null;
  /** A code of it that nobody has used yet. */
  code: { text: string; expiresAtMs: number; targetInstanceId: string | null } | null;
  /** Whether it is known if a code waits. */
  isCodeKnown: boolean;
  error: unknown;
  retry: () => void;
}

/** One bot, live. */
export function useBot(botId: string): LiveBotView {
  const fleet = useFleet();
  const bot = useQuery(botQuery(botId));
  const status = useQuery(statusQuery(botId));
  const codes = useQuery(pendingQuery);
  useFreshBots(fleetBotsVersion(fleet.data));
  const pending = codes.data?.find(({ bot_id }) => bot_id === botId);
  const row = bot.data ? toBotRow(bot.data, fleet.data, placeBots(fleet.data), pending !== undefined, status.data) : null;
  return {
    row,
    status: status.data ?? null,
    sessionId: row?.live?.pairingSessionId ?? row?.bot.pairing_session_id ?? null,
    code: pending ? { text: pending.pair_code, expiresAtMs: pending.expiresAtMs, targetInstanceId: pending.target_instance_id } : null,
    isCodeKnown: codes.data !== undefined || codes.isError,
    error: bot.error,
    retry: () => void bot.refetch(),
  };
}
