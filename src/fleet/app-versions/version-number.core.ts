/** Dotted numbers with an optional leading `v` and an optional suffix (`-beta`, `+7`) that does not count. */
export const VERSION_PATTERN = /^v?\d{1,9}(\.\d{1,9}){0,7}([-+][0-9A-Za-z.+-]{0,40})?$/;

/** The numbers of a version; empty when there are none. */
export function numbersOf(version: string): readonly number[] {
  const dotted = /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1];
  return dotted === undefined ? [] : dotted.split(".").map(Number);
}

/** Negative when `a` is older than `b`, 0 when equal; missing numbers count as 0, so 1.2 equals 1.2.0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** {@link compareVersions}, then by build where both tell theirs. */
export function compareReleases(a: { readonly version: string; readonly build: number | null }, b: { readonly version: string; readonly build: number | null }): number {
  return compareVersions(a.version, b.version) || (a.build === null || b.build === null ? 0 : Math.sign(a.build - b.build));
}
