/** Ids in one statement: D1 takes at most 100 parameters, and a statement has some of its own. */
const CHUNK = 80;

/** Cuts ids into lists that one statement can take. */
export function chunked<T>(ids: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, i) => ids.slice(i * CHUNK, (i + 1) * CHUNK));
}
