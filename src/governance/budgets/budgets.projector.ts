import type { Projector } from "../projections";

/** Limits and alerts stay in the ledger: D1 keeps only what the audit trail tells of them. */
export const budgetProjector: Projector = { show: () => undefined };
