export { enqueueReconcile, reconcileTenant } from "./reconcile-tenant";
export { tenantProjector } from "./tenant-projector";
export { assessTenants, tidyDirectory, type TenantSurvey } from "./tenant-sources";
export { phaseOf, type PolicyResolution, type TenantSpec, type TenantState } from "./tenants.core";
export { reconcileEffect, reconcilePageJob } from "./tenants.jobs";
