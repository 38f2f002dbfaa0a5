import type { Participation, ParticipationEvent } from "../../src/governance/awareness/participation.core";
import type { OutboxEntry } from "../shared/object-outbox.rpc";

/** What a reporter of a tenant has to tell; at most 20 events. */
export interface ParticipationReport {
  readonly events: readonly ParticipationEvent[];
  /** When the reporter was there, ms. */
  readonly seenAt: number;
  /** The instance that reports; absent for whoever reports with the tenant's own token. */
  readonly machine?: string | undefined;
}

/**
 * `recorded` tells for each event whether it is new. `entry` is what D1 should show at once; null when that has time.
 * "missing": there is no such tenant, or no more.
 */
export type ParticipationAnswer = { readonly kind: "ok"; readonly recorded: readonly boolean[]; readonly entry: OutboxEntry | null } | { readonly kind: "missing" };

/** The snapshot of entries of kind `participation`; its key is the tenant's name. */
export type ParticipationSnapshot = Participation;

/** The part of TenantDO that counts who takes part. */
export interface ParticipationRpc {
  /**
   * Counts what is new and notes who was there. Cheap when there is nothing new: being seen is kept once a minute and reaches D1
   * within minutes; a violation, a version and a new machine within seconds.
   */
  recordParticipation(report: ParticipationReport): Promise<ParticipationAnswer>;
}
