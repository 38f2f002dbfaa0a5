/** What people read about a pairing: a word for the pill, a sentence for what it means, and what to do about it. */
import { humanise } from "../lib/format";

export type PhaseTone = "ok" | "info" | "warn" | "bad" | "quiet";

export type BotPhase = "unpaired" | "pending" | "expired" | "redeemed" | "connecting" | "live" | "degraded" | "repairing" | "failed" | "disabled" | "unknown";

export interface PhaseWords {
  label: string;
  tone: PhaseTone;
  /** Something goes on by itself. */
  isMoving: boolean;
}

export const PHASE_WORDS: Record<BotPhase, PhaseWords> = {
  unpaired: { label: "Not paired", tone: "quiet", isMoving: false },
  pending: { label: "Code waiting", tone: "info", isMoving: true },
  expired: { label: "Code expired", tone: "quiet", isMoving: false },
  redeemed: { label: "Setting up", tone: "info", isMoving: true },
  connecting: { label: "Connecting", tone: "info", isMoving: true },
  live: { label: "Live", tone: "ok", isMoving: false },
  degraded: { label: "Degraded", tone: "warn", isMoving: false },
  repairing: { label: "Repairing", tone: "info", isMoving: true },
  failed: { label: "Failed", tone: "bad", isMoving: false },
  disabled: { label: "Off by plan", tone: "quiet", isMoving: false },
  unknown: { label: "Unknown", tone: "quiet", isMoving: false },
};

interface FailureWords {
  /** Completes "…, because"; also stands alone. */
  reason: string;
  advice: string;
}

const FAILURES: Record<string, FailureWords> = {
  no_heartbeat: { reason: "its machine never said that it runs", advice: "Look at the machine: its gateway may be stopped. A repair has the machine set the bot up again." },
  bot_error: { reason: "it reports an error", advice: "The error is shown under Activity. A repair gives the bot a fresh token and starts it again." },
  bot_quarantined: { reason: "its machine has set it aside after repeated errors", advice: "A repair starts it again with a fresh token." },
  token_dead: { reason: "the homeserver does not take its token any more", advice: "A repair gives it a fresh one." },
  bot_stopped: { reason: "it does not run on its machine", advice: "It comes back by itself when it is started there, or repair it." },
  machine_offline: { reason: "its machine is offline", advice: "It comes back with its machine. To run it elsewhere meanwhile, pair it with another one." },
  repair_timeout: { reason: "the repair brought no sign of life in time", advice: "Repair it once more, or pair it again." },
  repair_failed: { reason: "the repair failed on its machine", advice: "Repair it once more, or pair it again with a new code." },
};

/** Why a bot is degraded or failed, as half a sentence; null when nobody said. */
export function failureText(reason: string | null): string | null {
  return reason === null ? null : (FAILURES[reason]?.reason ?? humanise(reason));
}

function isPhase(text: string): text is BotPhase {
  return Object.hasOwn(PHASE_WORDS, text);
}

/** The phase that the wire names. `closed` is a pairing that ended: the bot has none. */
export function readPhase(pairingPhase: string | null | undefined): BotPhase {
  if (pairingPhase === null || pairingPhase === undefined || pairingPhase === "closed") return "unpaired";
  return isPhase(pairingPhase) ? pairingPhase : "unknown";
}

export interface PhaseFacts {
  phase: BotPhase;
  failureReason: string | null;
  /** What people call the machine that has it, or null. */
  machineName: string | null;
}

/** One sentence for the bot's page. */
export function describePhase({ phase, failureReason, machineName }: PhaseFacts): string {
  const machine = machineName ?? "its machine";
  switch (phase) {
    case "unpaired":
      return "No machine runs this bot yet. Pair it with one, and it answers.";
    case "pending":
      return "A pairing code waits for a machine to take it.";
    case "expired":
      return "The last pairing code ran out before a machine took it. Make a new one.";
    case "redeemed":
      return `${capital(machine)} has taken the bot over and is setting it up.`;
    case "connecting":
      return `${capital(machine)} has set the bot up. We wait for its first sign of life.`;
    case "live":
      return `It runs on ${machine} and answers.`;
    case "repairing":
      return `${capital(machine)} was asked to refresh the bot. A machine that is away does it when it is back.`;
    case "degraded":
    case "failed": {
      const failure = failureReason === null ? undefined : FAILURES[failureReason];
      const reason = failureText(failureReason) ?? "nobody knows why";
      const start = phase === "failed" ? "It does not run" : "It may not answer";
      return `${start}: ${reason}. ${failure?.advice ?? "A repair has its machine set it up again."}`;
    }
    case "disabled":
      return "The plan does not carry this bot any more. Its name and rooms are kept; it comes back with a larger plan.";
    case "unknown":
      return "Its machine tells a state that this console does not know.";
  }
}

const capital = (text: string): string => (text === "its machine" ? "Its machine" : text);

/** Whether a machine has the bot and has said something of it: before that, what it reports is nobody's news. */
export const isAtWork = (phase: BotPhase): boolean => phase === "live" || phase === "degraded" || phase === "repairing" || phase === "failed";

/** Whether the owner can ask for a repair. */
export const isRepairable = (phase: BotPhase): boolean => phase === "degraded" || phase === "failed";

/** 0 to 100 as a word; null for phases that say nothing about health. */
export function describeHealth(score: number | null): { text: string; tone: PhaseTone } | null {
  if (score === null) return null;
  if (score >= 90) return { text: "healthy", tone: "ok" };
  if (score >= 50) return { text: "strained", tone: "warn" };
  return { text: "poor", tone: "bad" };
}
