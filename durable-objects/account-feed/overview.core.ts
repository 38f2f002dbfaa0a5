import type { BotSummary, MachineSummary } from "../instance/machine.rpc";
import type { Overview } from "./account-feed.rpc";

/** The dashboard's counters, kept by adding and subtracting machines instead of counting them all each time. */

const COUNTERS = [
  "totalBots",
  "onlineBots",
  "offlineBots",
  "undeployedBots",
  "errorBots",
  "workingBots",
  "idleBots",
  "stalledBots",
  "totalMachines",
  "onlineMachines",
  "totalMessagesSent",
  "totalMessagesReceived",
  "totalChunkedMessages",
  "totalErrors",
] as const;

export const EMPTY_OVERVIEW: Overview = Object.freeze(Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<(typeof COUNTERS)[number], number>);

/** Counters of the machines with the bots that are on none. */
export const withUnpairedBots = (machines: Overview, unpairedBots: number): Overview => ({ ...machines, totalBots: machines.totalBots + unpairedBots, undeployedBots: unpairedBots });

/** What one machine adds to the counters. */
export function contributionOf(machine: MachineSummary): Overview {
  const running = machine.bots.filter((bot) => bot.status === "running");
  const withState = (state: string): number => running.filter((bot) => bot.activityState === state).length;
  const sum = (count: (bot: BotSummary) => number): number => machine.bots.reduce((total, bot) => total + count(bot), 0);
  return {
    totalBots: machine.bots.length,
    onlineBots: running.length,
    offlineBots: machine.bots.filter((bot) => bot.status !== "running" && bot.status !== "error").length,
    undeployedBots: 0,
    errorBots: machine.bots.filter((bot) => bot.status === "error").length,
    workingBots: withState("working"),
    idleBots: withState("idle"),
    stalledBots: withState("stalled"),
    totalMachines: 1,
    onlineMachines: machine.isOnline ? 1 : 0,
    totalMessagesSent: sum((bot) => bot.messagesSent),
    totalMessagesReceived: sum((bot) => bot.messagesReceived),
    totalChunkedMessages: sum((bot) => bot.chunkedMessages),
    totalErrors: sum((bot) => bot.errors),
  };
}

/** `total` with `machine` replaced: `before` out (if it was in), `after` in (if it stays). */
export function replaceContribution(total: Overview, before: MachineSummary | null, after: MachineSummary | null): Overview {
  const out = before ? contributionOf(before) : EMPTY_OVERVIEW;
  const into = after ? contributionOf(after) : EMPTY_OVERVIEW;
  return Object.fromEntries(COUNTERS.map((name) => [name, total[name] - out[name] + into[name]])) as unknown as Overview;
}
