import { compareReleases, compareVersions } from "./version-number.core";

/** What a release decides about the apps in use. */
export interface Release {
  readonly id: number;
  readonly appVersion: string;
  readonly buildNumber: number | null;
  readonly minVersion: string;
  readonly isForceUpdate: boolean;
  readonly isMaintenanceMode: boolean;
}

export interface RunningApp {
  readonly version: string;
  readonly build: number | null;
}

export interface Verdict {
  readonly isUpdateRequired: boolean;
  readonly isForceUpdate: boolean;
  readonly isMaintenanceMode: boolean;
  readonly message: string | null;
}

/** Platforms are compared in lower case. */
export const platformKeyOf = (platform: string): string => platform.trim().toLowerCase();

const releaseOf = (release: Release): RunningApp => ({ version: release.appVersion, build: release.buildNumber });

/** The newest release; among equals the one that was entered last. */
export function findLatest<R extends Release>(releases: readonly R[]): R | undefined {
  return releases.reduce<R | undefined>((best, one) => {
    const order = best ? compareReleases(releaseOf(one), releaseOf(best)) : 1;
    return order > 0 || (order === 0 && one.id > (best?.id ?? 0)) ? one : best;
  }, undefined);
}

/** Whether a running app may go on. Maintenance wins; below the minimum it must update; behind the latest it may, or must where the release forces it. */
export function judgeApp(app: RunningApp, latest: Release | undefined): Verdict {
  if (!latest) return { isUpdateRequired: false, isForceUpdate: false, isMaintenanceMode: false, message: null };
  const tooOld = compareVersions(app.version, latest.minVersion) < 0;
  const behind = compareReleases(app, releaseOf(latest)) < 0;
  const mustUpdate = tooOld || (behind && latest.isForceUpdate);
  return {
    isUpdateRequired: mustUpdate,
    isForceUpdate: mustUpdate,
    isMaintenanceMode: latest.isMaintenanceMode,
    message: latest.isMaintenanceMode
      ? "We are under maintenance and will be back soon."
      : mustUpdate
        ? `This version is no longer supported; please update to ${latest.appVersion}.`
        : behind
          ? `Version ${latest.appVersion} is available.`
          : null,
  };
}
