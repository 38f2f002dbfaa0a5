/** Names for the generated shapes that the governance pages work with. */
import type { components } from "../../../clients/governance.gen";

type Schemas = components["schemas"];

export type Tenant = Schemas["Tenant"];
export type Phase = Tenant["phase"];
export type NewTenant = Schemas["CreateTenantRequest"];
export type TenantChange = Schemas["UpdateTenantRequest"];
export type TenantMachine = Schemas["TenantMachine"];
export type Datasets = Schemas["TenantDatasets"];
export type EffectiveContract = Schemas["EffectiveContract"];
export type Policy = Schemas["AccessPolicy"];
export type NewPolicy = Schemas["CreateAccessPolicy"];
export type PolicyChange = Schemas["UpdateAccessPolicy"];
export type Participation = Schemas["AwarenessParticipation"];
export type TenantParticipation = Participation["tenants"][number];
export type RepairReport = Schemas["RepairReport"];
export type ResourceDrift = Schemas["TenantDriftReport"] | Schemas["AccessPolicyDrift"];
export type Budget = Schemas["GlobalBudget"];
export type TokenUsage = Schemas["TokenUsage"];
export type TrailEntry = Schemas["AuditEntry"];
export type ProviderKey = Schemas["ProviderKey"];
export type McpServer = Schemas["McpServer"];
export type SkillBundle = Schemas["SkillBundle"];
export type Source = Schemas["ThirdPartySource"];
export type SourceItem = Schemas["ThirdPartySourceItem"];
export type Grant = Schemas["Grant"];
export type AccessToken = Schemas["AccessToken"];
export type Group = Schemas["Group"];
export type NewGroup = Schemas["CreateGroupRequest"];
export type Rollout = Schemas["AwarenessRollout"];
