/** Data sets that a tenant's agents may search, by who shares them. */
export interface RetrievalDatasets {
  readonly org: readonly string[];
  readonly team: readonly string[];
  readonly project: readonly string[];
  readonly personal: readonly string[];
}

/** The service that finds knowledge for agents. */
export interface Retrieval {
  /** Replaces what a tenant's agents may search; harmless when repeated. @throws AppError BAD_GATEWAY when it did not take it */
  putDatasets(tenant: string, datasets: RetrievalDatasets): Promise<void>;
}
