/** A service that makes places of their own for tenants. The client is src/integrations/cluster-provisioner; verbs see only this. */

export interface WantedPlace {
  readonly name: string;
  readonly displayName: string;
  readonly baseDomain: string | null;
  readonly isolationTier: string;
  readonly compute: object;
  readonly quota: object;
  /** Counts the wishes for this name; the service answers an older one with what it knows of the newest. */
  readonly version: number;
}

/** How far a place is. */
export interface PlaceState {
  readonly phase: "provisioning" | "ready" | "failed";
  readonly message: string | null;
  readonly boundNamespace: string | null;
}

export interface ClusterProvisioner {
  /** Makes the place as it is wanted, or says how far that is. Harmless when repeated. @throws AppError BAD_GATEWAY, DEPENDENCY_UNAVAILABLE */
  place(wanted: WantedPlace): Promise<PlaceState>;
  /** Gives the place back; one that is not there is given back already. @throws AppError BAD_GATEWAY, DEPENDENCY_UNAVAILABLE */
  release(name: string): Promise<void>;
}
