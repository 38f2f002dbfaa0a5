export { advisoryOf, allowsName, resolvePolicy, type DomainRules, type EgressRule, type NameRules, type Policy, type PolicyResolution } from "./policies.core";
export { readPolicies } from "./policies.queries";
export { assessPolicyDrift } from "./policies-drift";
export { policyProjector } from "./project-policy";
