export { budgetProjector } from "./budgets.projector";
export { getLimitsUsd } from "./budgets.queries";
export { microsToUsd } from "./money.core";
export { releaseSpend, reserveSpend, settleSpend, type SpendRequest, type SpendUsage } from "./spend";
