import { operation } from "../../kernel/operation";
import { RepairQuery, RepairView } from "../projections";
import { createPolicy } from "./create-policy";
import { deletePolicy } from "./delete-policy";
import { getPolicy, listPolicies, reportPolicyDrift } from "./policies.queries";
import { CreatedPolicyView, CreatePolicyBody, DeletedPolicyView, PolicyDriftView, PolicyListView, PolicyRef, PolicyView, UpdatedPolicyView, UpdatePolicyBody } from "./policies.schemas";
import { repairPolicies } from "./repair-policies";
import { updatePolicy } from "./update-policy";

const TAG = "Policies";

export const operations = [
  operation({
    id: "governance.policies.list",
    method: "get",
    path: "/api/v1/policies",
    tag: TAG,
    summary: "All access policies, newest first",
    auth: ["operator"],
    limit: "read",
    output: PolicyListView,
  }).handle((_, ctx) => listPolicies(ctx)),
  operation({
    id: "governance.policies.create",
    method: "post",
    path: "/api/v1/policies",
    tag: TAG,
    summary: "Lay an access policy down",
    auth: ["operator"],
    limit: "write",
    idempotent: true,
    audit: "policy.create",
    errors: [409],
    body: CreatePolicyBody,
    output: CreatedPolicyView,
    status: 201,
  }).handle(({ body }, ctx) => createPolicy(ctx, body)),
  // The two fixed paths come before `{name}`: they match it, too.
  operation({
    id: "governance.policies.drift",
    method: "get",
    path: "/api/v1/policies/drift",
    tag: TAG,
    summary: "Where policies and their copies disagree; mends nothing",
    auth: ["operator"],
    limit: "read",
    output: PolicyDriftView,
  }).handle((_, ctx) => reportPolicyDrift(ctx)),
  operation({
    id: "governance.policies.repair",
    method: "post",
    path: "/api/v1/policies/repair",
    tag: TAG,
    summary: "Make the copies what their sources say; only looks unless `dryRun=false`",
    auth: ["operator"],
    limit: "write",
    audit: "policy.repair",
    query: RepairQuery,
    output: RepairView,
  }).handle(({ query }, ctx) => repairPolicies(ctx, query)),
  operation({
    id: "governance.policies.get",
    method: "get",
    path: "/api/v1/policies/{name}",
    tag: TAG,
    summary: "One access policy",
    auth: ["operator"],
    limit: "read",
    params: PolicyRef,
    output: PolicyView,
  }).handle(({ params }, ctx) => getPolicy(ctx, params)),
  operation({
    id: "governance.policies.update",
    method: "put",
    path: "/api/v1/policies/{name}",
    tag: TAG,
    summary: "Change what a policy says: what is absent stays, null takes away",
    auth: ["operator"],
    limit: "write",
    audit: "policy.update",
    params: PolicyRef,
    body: UpdatePolicyBody,
    output: UpdatedPolicyView,
  }).handle(({ params, body }, ctx) => updatePolicy(ctx, params, body)),
  operation({
    id: "governance.policies.delete",
    method: "delete",
    path: "/api/v1/policies/{name}",
    tag: TAG,
    summary: "Take a policy away; tenants that name it stop until they name another",
    auth: ["operator"],
    limit: "write",
    audit: "policy.delete",
    params: PolicyRef,
    output: DeletedPolicyView,
  }).handle(({ params }, ctx) => deletePolicy(ctx, params)),
];
