import type { NewRollout, Rollout } from "../../src/governance/awareness/rollout.core";
import type { Policy, PolicyChange } from "../../src/governance/policies/policies.core";
import type { ChangedBy, OutboxEntry, OutboxRpc } from "../shared/object-outbox.rpc";

export type PolicyAnswer = { readonly kind: "ok"; readonly entry: OutboxEntry } | { readonly kind: "missing" | "exists" | "full" | "contradiction" };

/** The snapshot of entries of kind `policy`; null when the policy was deleted. */
export type PolicySnapshot = Policy;

/** The snapshot of entries of kind `rollout`. Times in ms. */
export interface RolloutSnapshot extends Rollout {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The organisation: the only writer of access policies and of the awareness rollout. */
export interface OrgRpc extends OutboxRpc {
  /** `ok` also for the very same creation again, as long as D1 does not show the first. */
  createPolicy(name: string, rules: PolicyChange, by: ChangedBy): Promise<PolicyAnswer>;
  changePolicy(name: string, change: PolicyChange, by: ChangedBy): Promise<PolicyAnswer>;
  deletePolicy(name: string, by: ChangedBy): Promise<PolicyAnswer>;
  /** Policies whose names come after `after` ("" for the first ones), by name; at most `limit`. */
  listPolicies(after: string, limit: number): Promise<readonly Policy[]>;
  setRollout(rollout: NewRollout, by: ChangedBy): Promise<OutboxEntry>;
  /** The next wave, or all up to `wave`; null when there is no such wave. */
  promote(wave: string | null, by: ChangedBy): Promise<OutboxEntry | null>;
  rollBack(by: ChangedBy): Promise<OutboxEntry>;
}
