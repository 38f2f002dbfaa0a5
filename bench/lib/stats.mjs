/** Numbers of measurements: percentiles, medians and how far values lie apart. */

/** @typedef {{ count: number, p50: number, p99: number, max: number }} Summary */

/**
 * The value below which the share `p` (0 to 1) of `sorted` lies: the nearest rank, so always a value that was measured.
 * @param {ArrayLike<number>} sorted ascending @param {number} p
 */
export function percentile(sorted, p) {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(p * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}

/** @param {readonly number[]} values @returns {Summary} NaN where nothing was measured */
export function summarize(values) {
  const sorted = Float64Array.from(values).sort();
  return { count: sorted.length, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) ?? Number.NaN };
}

/** The middle value, or the mean of the two middle ones. @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Smallest and largest value. @param {readonly number[]} values */
export const spread = (values) => ({ min: Math.min(...values), max: Math.max(...values) });
