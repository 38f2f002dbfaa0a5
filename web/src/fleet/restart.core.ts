/** The progress of a gateway restart, pieced together from several events that may arrive in any order. */
import type { RestartPhase, RestartState } from "./fleet.types";

const RANK: Record<RestartPhase, number> = {
  sending: 0,
  requested: 1,
  delivered: 2,
  restarting: 3,
  restarted: 4,
  failed: 4,
  expired: 4,
};

interface RestartNews {
  commandId: string;
  phase: RestartPhase;
  text: string | null;
}

export function isRestartFinished(restart: RestartState): boolean {
  return RANK[restart.phase] === RANK.restarted;
}

/** Progress only goes forward for one command; a new command starts over, and the end of an older one is not ours. */
export function nextRestart(current: RestartState | null, news: RestartNews, nowMs: number): RestartState {
  const isFinal = RANK[news.phase] === RANK.restarted;
  const isSame = current !== null && (current.commandId === null || current.commandId === news.commandId);
  if (current !== null && !isSame && isFinal && !isRestartFinished(current)) return current;
  // Ours has no number yet, so an ending cannot be its ending.
  if (current?.phase === "sending" && isFinal) return current;
  if (current === null || !isSame || (current.commandId === null && isRestartFinished(current))) {
    return { ...news, startedAtMs: nowMs, finishedAtMs: isFinal ? nowMs : null };
  }
  if (RANK[news.phase] < RANK[current.phase]) return { ...current, commandId: news.commandId };
  return {
    phase: RANK[current.phase] === RANK.restarted ? current.phase : news.phase,
    commandId: news.commandId,
    startedAtMs: current.startedAtMs,
    finishedAtMs: current.finishedAtMs ?? (isFinal ? nowMs : null),
    text: news.text ?? current.text,
  };
}

/** A gateway that says it restarts while we wait for exactly that is progress; a running one is not yet the end of the command. */
export function noteGatewayForRestart(current: RestartState | null, gatewayStatus: string): RestartState | null {
  if (current === null || gatewayStatus !== "restarting" || RANK[current.phase] >= RANK.restarting) return current;
  return { ...current, phase: "restarting" };
}

/** How long it took, once it is over. */
export function restartSeconds(restart: RestartState): number | null {
  return restart.finishedAtMs === null ? null : (restart.finishedAtMs - restart.startedAtMs) / 1000;
}
