/**
 * Which transport to use. The list goes from best to plainest; three failures of a transport, while the server itself
 * answers, step down; a periodic probe steps back up. Pure.
 */
export type Transport = "socket" | "sse" | "beats";

export const FAILURES_BEFORE_STEP = 3;

export interface Ladder {
  readonly transports: readonly Transport[];
  readonly level: number;
  readonly failures: number;
  /** Trying a better transport again: one failure is enough to step down. */
  readonly probing: boolean;
}

/** The transports allowed by `--transport`. */
export function ladderFor(best: Transport): Ladder {
  const all: readonly Transport[] = ["socket", "sse", "beats"];
  return { transports: all.slice(all.indexOf(best)), level: 0, failures: 0, probing: false };
}

export function currentTransport(ladder: Ladder): Transport {
  // The list is never empty: ladderFor always leaves at least "beats".
  return ladder.transports[ladder.level] ?? "beats";
}

/** A try failed although the server is reachable: the transport is to blame. */
export function transportFailed(ladder: Ladder): Ladder {
  const failures = ladder.failures + 1;
  const last = ladder.transports.length - 1;
  if (ladder.level >= last || (!ladder.probing && failures < FAILURES_BEFORE_STEP)) return { ...ladder, failures };
  return { ...ladder, level: ladder.level + 1, failures: 0, probing: ladder.probing && ladder.level + 1 < last };
}

/** A link lived long enough to be believed in. */
export function transportWorks(ladder: Ladder): Ladder {
  return { ...ladder, failures: 0, probing: false };
}

/** Time to see whether the best transport works now. */
export function climb(ladder: Ladder): Ladder {
  return ladder.level === 0 ? ladder : { ...ladder, level: 0, failures: 0, probing: true };
}
