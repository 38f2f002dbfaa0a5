/** What governance keeps with a machine (docs/design/live-wire.md §11). */

/** A contract on its way to a machine's object, signed for the machine to check. */
export interface MachineContract {
  readonly tenant: string;
  /** Only grows per machine; an older one is ignored. */
  readonly revision: number;
  readonly contractId: string;
  /** The tenant is suspended: the machine gets no commands. */
  readonly suspended: boolean;
  /** The machine is governed no longer; the contract says just that. */
  readonly released: boolean;
  /** Compact JWS. */
  readonly jws: string;
}

/** `gone`: no such machine. `revision`: what the object has now. */
export type GovernAnswer = { readonly kind: "ok"; readonly revision: number } | { readonly kind: "gone" };

/** Which contract a machine should have: part of every answer to a beat while it is governed. */
export interface ContractPointer {
  readonly id: string;
  readonly revision: number;
}

/** Something that the machine refused on behalf of its contract. */
export interface Violation {
  /** The machine's own, unique there. */
  readonly id: string;
  /** `domain`, `egress`, `tool`, `mcp`, `skill`, or what later daemons call theirs. */
  readonly kind: string;
  readonly subject: string | null;
  /** ISO 8601; null when the machine's word could not be read. */
  readonly at: string | null;
}

/** What a machine tells of its contract with each beat. */
export interface GovernanceBeat {
  readonly contract_id: string | null;
  readonly revision: number | null;
  readonly awareness_version: string | null;
  /** Kinds of rules that it enforces. */
  readonly enforcing: readonly string[];
  readonly violations: readonly Violation[];
}

/** How a machine and its contract stand. Times in ms. */
export interface GovernanceFacts {
  readonly tenant: string;
  readonly contractId: string;
  readonly revision: number;
  readonly suspended: boolean;
  readonly released: boolean;
  readonly reportedContractId: string | null;
  readonly reportedRevision: number | null;
  readonly awarenessVersion: string | null;
  readonly enforcing: readonly string[];
  readonly lastReportAt: number | null;
}
