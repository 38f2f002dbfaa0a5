/** The awareness rollout as a value: a new version of the contract reaches tenants wave by wave. */

/** What runs where nobody has set anything. */
export const BUILT_IN_VERSION = "awareness/v1alpha1";
const DEFAULT_WAVES: readonly string[] = ["personal", "project", "department", "org"];

export interface Rollout {
  readonly targetVersion: string;
  readonly stableVersion: string;
  /** Order of promotion; the last is the widest. Never empty. */
  readonly waves: readonly string[];
  /** Always a prefix of `waves`. */
  readonly promotedWaves: readonly string[];
  /** Promoted tenants keep the stable version and compute the target's beside it. */
  readonly shadowMode: boolean;
}

export const DEFAULT_ROLLOUT: Rollout = { targetVersion: BUILT_IN_VERSION, stableVersion: BUILT_IN_VERSION, waves: DEFAULT_WAVES, promotedWaves: [], shadowMode: false };

/** A new rollout as somebody asks for it, texts trimmed. */
export interface NewRollout {
  readonly targetVersion: string;
  readonly stableVersion?: string | undefined;
  readonly waves?: readonly string[] | undefined;
  readonly shadowMode?: boolean | undefined;
}

/** Begins a rollout: nothing is promoted, and what is missing is the built-in, not what was before. */
export const startRollout = ({ targetVersion, stableVersion, waves, shadowMode }: NewRollout): Rollout => ({
  targetVersion,
  stableVersion: stableVersion === undefined || stableVersion === "" ? BUILT_IN_VERSION : stableVersion,
  waves: waves === undefined || waves.length === 0 ? DEFAULT_WAVES : waves,
  promotedWaves: [],
  shadowMode: shadowMode ?? false,
});

/** The wave whose turn it is; null when all are promoted. */
export const nextWave = ({ waves, promotedWaves }: Rollout): string | null => waves[promotedWaves.length] ?? null;

/**
 * Promotes everything up to and including `wave`, which may also take later waves back; without `wave` the next one, and nothing when
 * there is none.
 * @returns "unknown-wave" when the rollout has no such wave
 */
export function promote(rollout: Rollout, wave: string | null): Rollout | "unknown-wave" {
  const index = wave === null ? Math.min(rollout.promotedWaves.length, rollout.waves.length - 1) : rollout.waves.indexOf(wave);
  return index === -1 ? "unknown-wave" : { ...rollout, promotedWaves: rollout.waves.slice(0, index + 1) };
}

/** Takes every promotion back; the versions stay. */
export const rollBack = (rollout: Rollout): Rollout => ({ ...rollout, promotedWaves: [] });

/** What a tenant runs. */
export interface ResolvedVersion {
  readonly version: string;
  readonly promoted: boolean;
  /** The target is computed beside the stable version, and only compared. */
  readonly shadow: boolean;
  readonly wave: string;
}

/** @param tenantWave the tenant's own wave; one that the rollout lacks counts as the last, which is promoted last */
export function resolveVersion(rollout: Rollout, tenantWave: string | null): ResolvedVersion {
  const wave = tenantWave !== null && rollout.waves.includes(tenantWave) ? tenantWave : (rollout.waves.at(-1) ?? "");
  const promoted = rollout.promotedWaves.includes(wave);
  const shadow = promoted && rollout.shadowMode;
  return { version: promoted && !shadow ? rollout.targetVersion : rollout.stableVersion, promoted, shadow, wave };
}
