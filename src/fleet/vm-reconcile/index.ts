export { checkAfterPlanChange, checkEntitlementJob, checkEntitlementSoon } from "./check-entitlement";
export { destroyComputerJob } from "./destroy-computer";
export { reconcileProvider } from "./reconcile-provider";
export { checkPageJob, enqueueAllEntitlementChecks, enqueueEntitlementChecks, enqueueReconcile } from "./vm-reconcile.jobs";
