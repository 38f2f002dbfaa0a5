/** How a pairing goes from the code on the screen to a bot that answers. */
import type { BotPhase } from "./bot-phase.core";

/** What was true of the bot when its code was made: changes since then are the code's doing. */
export interface PairStart {
  phase: BotPhase;
  instanceId: string | null;
  sessionId: string | null;
}

export type PairStep = "waiting" | "taken" | "connecting" | "live" | "expired" | "trouble";

export interface PairNow extends PairStart {
  /** A machine was seen to take the code: this stays so, whatever is heard later. */
  wasTaken: boolean;
  isExpired: boolean;
}

const AT_MACHINE: readonly BotPhase[] = ["redeemed", "connecting", "live", "degraded", "repairing", "failed"];

/** Whether a machine has taken the code. A bot that was live before is live still, until it moves in anew. */
export function isTaken(start: PairStart, now: PairStart): boolean {
  if (now.sessionId !== null && now.sessionId !== start.sessionId) return AT_MACHINE.includes(now.phase);
  if (now.instanceId !== null && now.instanceId !== start.instanceId) return true;
  return now.phase !== start.phase && (now.phase === "redeemed" || now.phase === "connecting");
}

/** Where the pairing stands. */
export function pairStep(start: PairStart, now: PairNow): PairStep {
  if (!now.wasTaken && !isTaken(start, now)) return now.isExpired ? "expired" : "waiting";
  switch (now.phase) {
    case "live":
      return "live";
    case "connecting":
      return "connecting";
    case "degraded":
    case "failed":
      return "trouble";
    default:
      return "taken";
  }
}

/** "9:59". @param ms what is left, never below nought */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A code said letter by letter, for screen readers. */
export const spellCode = (code: string): string => code.replaceAll("-", "").split("").join(" ");
