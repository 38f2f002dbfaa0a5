/** Names for the generated shapes that the administrators' pages work with. */
import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type Person = Schemas["AdminUserDetail"];
export type SecurityFlag = Schemas["AdminUserSecurityFlag"];
export type PersonSession = Schemas["AdminUserSession"];
export type MatrixDevice = Schemas["AdminMatrixDevice"];
export type PersonMachine = Schemas["AdminOpenClawInstanceSummary"];
export type SignOutAnswer = Schemas["AdminSignOutAllResponse"];
export type Removal = Schemas["AdminUserRemoved"];
export type ListedMachine = Schemas["AdminOpenClawInstance"];
export type ListedBot = Schemas["AdminBot"];
export type Plan = Schemas["AdminListedPlan"];
export type Inspection = Schemas["InstanceInspection"];

export type Lag = Schemas["QueueLag"];
export type CronJob = Schemas["CronJob"];
export type CronRun = Schemas["CronRun"];
export type Gate = Schemas["FeatureGate"];
export type NewGate = Schemas["SetFeatureGateRequest"];
export type AuditEntry = Schemas["AuditEntry"];
export type ResealRun = Schemas["ResealRun"];
