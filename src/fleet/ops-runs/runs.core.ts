/** How late messages were, ms: the middle one, one in twenty is later than the second number, and the latest. Null when nothing was measured. */
export interface Lateness {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** @param lateMs measured, in any order */
export function latenessOf(lateMs: readonly number[]): Lateness | null {
  const sorted = [...lateMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return sorted.length === 0 ? null : { p50: at(0.5), p95: at(0.95), max: at(1) };
}
