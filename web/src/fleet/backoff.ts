const FIRST_MS = 500;
const CEILING_MS = 20_000;

/** Full jitter over a doubling ceiling, so that a thousand consoles do not come back in the same moment. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(CEILING_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 4 + random * ceiling * 0.75);
}
