/** A name in the directory. `pending`: somebody began to create it; whether it came to be only its object knows. */
export interface DirectoryEntry {
  readonly name: string;
  readonly state: "pending" | "live";
  /** Of the tenant when it was last settled, 0 for one that never was. */
  readonly revision: number;
}

export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[];
  /** Name to go on after; null at the end. */
  readonly next: string | null;
}

/** Names of all tenants, so that sources can be enumerated. There is one directory. */
export interface DirectoryRpc {
  /** Says that `name` may come to be. Before its object is written, so that no tenant is ever outside the directory. */
  reserve(name: string): Promise<void>;
  /** Says what became of a name at a revision of its tenant. Later revisions win, whatever comes last. */
  settle(name: string, revision: number, state: "live" | "gone"): Promise<void>;
  /** Names in order, without those that are gone. */
  list(after: string | null, limit: number): Promise<DirectoryPage>;
  /** Forgets a pending name of which no tenant came, unless its reservation is young. */
  forget(name: string): Promise<void>;
}
