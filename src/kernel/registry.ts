import type { Family } from "./family";
import type { FeatureEntry } from "./operation";

/** The family and feature that serve `path`: the longest prefix of all families, or null. */
export function findInFamilies(families: readonly Family[], path: string): { readonly family: Family; readonly feature: FeatureEntry } | null {
  let best: { readonly family: Family; readonly feature: FeatureEntry; readonly length: number } | null = null;
  for (const family of families) {
    const feature = findFeature(family.features, path);
    const length = feature === null ? -1 : matchLength(feature, path);
    if (feature && length > (best?.length ?? -1)) best = { family, feature, length };
  }
  return best;
}

/** The feature that serves `path`: the longest prefix that matches whole segments, or null. */
export function findFeature(features: readonly FeatureEntry[], path: string): FeatureEntry | null {
  let best: FeatureEntry | null = null;
  let bestLength = -1;
  for (const feature of features) {
    const length = matchLength(feature, path);
    if (length > bestLength) {
      best = feature;
      bestLength = length;
    }
  }
  return best;
}

/** Length of the feature's longest prefix of `path`, -1 when none is. */
const matchLength = (feature: FeatureEntry, path: string): number =>
  Math.max(-1, ...feature.prefixes.filter((prefix) => path === prefix || (prefix !== "/" && path.startsWith(`${prefix}/`))).map((prefix) => prefix.length));
