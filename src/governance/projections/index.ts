export { assessDrift } from "./assess-drift";
export { tenantsChanged, type TenantScope } from "./changed";
export { planRepair, type Compared, type DriftReport, type RepairStep } from "./drift.core";
export { changedBy, project, showAgain, type Projector } from "./project";
export { findShownRevision } from "./projections.store";
export { projectJob, type Projectors } from "./projections.jobs";
export { DriftView, isDryRun, RepairQuery, RepairView, toDriftView, toRepairView } from "./projections.schemas";
