import type { Datasets, PolicyResolution, TenantPatch, TenantSpec, TenantState } from "../../src/governance/tenants/tenants.core";
import type { ChangedBy, OutboxEntry, OutboxRpc } from "../shared/object-outbox.rpc";
import type { ParticipationRpc } from "./participation.rpc";

/** A change that an operator asks of a tenant. */
export type TenantChange =
  | { readonly type: "update"; readonly patch: TenantPatch }
  | { readonly type: "suspend" }
  | { readonly type: "resume" }
  | { readonly type: "datasets"; readonly datasets: Datasets }
  | { readonly type: "delete" };

/** `exists` with an entry: the very same creation was made before and D1 does not show it yet. */
export type CreateAnswer = { readonly kind: "created"; readonly entry: OutboxEntry } | { readonly kind: "exists"; readonly entry: OutboxEntry | null };

export type ChangeAnswer = { readonly kind: "ok"; readonly entry: OutboxEntry } | { readonly kind: "missing" };

/** `entry` is null when nothing is new. */
export type ObserveAnswer = { readonly kind: "ok"; readonly entry: OutboxEntry | null } | { readonly kind: "missing" };

/**
 * A tenant: the only writer of what operators want of it and of what was observed. The snapshot of its entries is its state, null
 * after a deletion.
 */
export interface TenantRpc extends OutboxRpc, ParticipationRpc {
  /** Begins the tenant, or begins it anew after a deletion. @param floor the revision that D1 shows of the name, 0 for none: an object that was lost begins above it */
  create(name: string, spec: TenantSpec, by: ChangedBy, floor: number): Promise<CreateAnswer>;
  /** Deletes what D1 shows of a tenant whose object was lost; `missing` when the tenant lives. @param floor as in {@link create} */
  bury(name: string, by: ChangedBy, floor: number): Promise<ChangeAnswer>;
  change(change: TenantChange, by: ChangedBy): Promise<ChangeAnswer>;
  /** Null when there is no such tenant, or no more. */
  getState(): Promise<TenantState | null>;
  /** {@link getState} with a ticket for {@link observe}: whoever looks later has the higher one. */
  look(): Promise<{ readonly state: TenantState; readonly ticket: number } | null>;
  /**
   * Keeps what was found out about the tenant's policy.
   * @param ticket of the look that the finder began with: who began earlier than whoever told last may have read what is over, and is not heard
   */
  observe(resolution: PolicyResolution, ticket: number): Promise<ObserveAnswer>;
  /** Tells the members who listen which contract is in force. */
  announceContract(contractId: string): Promise<void>;
  /** Ends the sockets of members whose tokens were made before the tenant's sessions were cut for the `epoch`-th time. */
  cutMembers(epoch: number): Promise<void>;
}
