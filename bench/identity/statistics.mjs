/** Statistics of two samples. */

/** @param {readonly number[]} list @param {number} share between 0 and 1 */
export function quantile(list, share) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @param {readonly number[]} list */
export const median = (list) => quantile(list, 0.5);

/**
 * Mann-Whitney U: the chance that one of `a` is greater than one of `b` (ties count half), and how likely samples of one and the
 * same distribution differ at least so much (two-sided, normal approximation).
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export function effectSize(a, b) {
  let u = 0;
  for (const x of a) for (const y of b) u += x > y ? 1 : x === y ? 0.5 : 0;
  const pairs = a.length * b.length;
  const deviation = Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
  return { overlap: u / pairs, p: 2 * (1 - normal(Math.abs((u - pairs / 2) / deviation))) };
}

/** The normal distribution's cumulative function (Abramowitz and Stegun 26.2.17, good to 7 digits). @param {number} z */
function normal(z) {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}
