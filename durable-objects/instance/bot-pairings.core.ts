import { nextPhase, phaseDueAt, redeemedState, settlePhase, type PairingEvent, type PairingFailure, type PairingPhase, type PairingState } from "../../src/fleet/pairings/pairings.core";
import type { BotBeat } from "./machine.rpc";

/** Pairings of a machine's bots, moved together. The rules of one are in src/fleet/pairings/pairings.core.ts. */

/** A bot that lives on this machine, told by pairing. Beats about other bots are dropped. */
export interface RosterBot {
  readonly botName: string;
  readonly botUsername: string;
  readonly botUserId: string;
  readonly runtime: "openclaw" | "hermes";
  readonly pairingId: string;
  /** ms */
  readonly redeemedAt: number;
  /** When its machine said that it took the pairing over, ms. */
  readonly claimedAt: number | null;
}

/** How a bot's pairing with this machine lives. */
export interface BotPairing extends PairingState {
  readonly pairingId: string;
}

/** By bot id. */
export type Pairings = Readonly<Record<string, BotPairing>>;

export interface PairingChange {
  readonly type: "bot.pairing.change";
  readonly botId: string;
  readonly pairingPhase: PairingPhase;
  readonly failureReason: PairingFailure | null;
}

/** The same object when nothing moved. */
export function movePairing(pairing: BotPairing, event: PairingEvent, now: number): BotPairing {
  const next = event.type === "tick" ? settlePhase(pairing, now) : nextPhase(pairing, event, now);
  return next === pairing ? pairing : { ...next, pairingId: pairing.pairingId };
}

export const movePairings = (pairings: Pairings, event: PairingEvent, now: number): Pairings =>
  Object.fromEntries(Object.entries(pairings).map(([id, pairing]) => [id, movePairing(pairing, event, now)]));

/** Pairings of another roster: those that stay go on, a new one begins when its code was redeemed, those of bots that left end. */
export function rosterPairings(known: Pairings, roster: Readonly<Record<string, RosterBot>>, now: number): Pairings {
  return Object.fromEntries(
    Object.entries(roster).map(([id, { pairingId, redeemedAt, claimedAt }]) => {
      const old = known[id]?.pairingId === pairingId ? known[id] : null;
      const pairing = old ?? { ...redeemedState(redeemedAt), pairingId };
      const claimed = claimedAt === null ? pairing : movePairing(pairing, { type: "claimed" }, old ? now : claimedAt);
      return [id, movePairing(claimed, { type: "tick" }, now)];
    }),
  );
}

/** What differs for those who watch; a bot that left is closed. */
export function pairingChanges(before: Pairings, after: Pairings): PairingChange[] {
  const moved = Object.entries(after).flatMap(([botId, { pairingId, phase, failureReason }]) => {
    const was = before[botId];
    const same = was?.pairingId === pairingId && was.phase === phase && was.failureReason === failureReason;
    return same ? [] : [{ type: "bot.pairing.change" as const, botId, pairingPhase: phase, failureReason }];
  });
  const left = Object.keys(before).filter((botId) => !Object.hasOwn(after, botId));
  return [...moved, ...left.map((botId) => ({ type: "bot.pairing.change" as const, botId, pairingPhase: "closed" as const, failureReason: null }))];
}

/** When time alone will move one of them (ms); null when it will not. */
export function pairingDueAt(pairings: Pairings): number | null {
  let earliest: number | null = null;
  for (const pairing of Object.values(pairings)) {
    const due = phaseDueAt(pairing);
    if (due !== null && (earliest === null || due < earliest)) earliest = due;
  }
  return earliest;
}

export const toHeard = (beat: BotBeat): PairingEvent => ({
  type: "heard",
  bot: { status: beat.status, quarantined: beat.quarantined === true, lastError: beat.last_error, lastErrorAt: beat.last_error_at },
});
