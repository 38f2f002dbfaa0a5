import type { FeatureEntry } from "./operation";

/** The feature that serves `path`: the longest prefix that matches whole segments, or null. */
export function findFeature(features: readonly FeatureEntry[], path: string): FeatureEntry | null {
  let best: FeatureEntry | null = null;
  let bestLength = -1;
  for (const feature of features) {
    for (const prefix of feature.prefixes) {
      const matches = path === prefix || (prefix !== "/" && path.startsWith(`${prefix}/`));
      if (matches && prefix.length > bestLength) {
        best = feature;
        bestLength = prefix.length;
      }
    }
  }
  return best;
}
