import { operation } from "../../kernel/operation";
import { issueModelKey } from "./issue-model-key";
import { getModelKey } from "./model-keys.queries";
import { IssuedModelKeyView, ModelKeyView, RevokedModelKeyView, TenantKeyRef } from "./model-keys.schemas";
import { revokeModelKey } from "./revoke-model-key";

const TAG = "AI Budget";

export const operations = [
  operation({
    id: "governance.model-keys.get",
    method: "get",
    path: "/api/v1/ai-budget/{tenantName}/litellm-key",
    tag: TAG,
    summary: "What is known of a tenant's model key; never the key itself",
    auth: ["operator"],
    limit: "read",
    params: TenantKeyRef,
    output: ModelKeyView,
  }).handle(({ params }, ctx) => getModelKey(ctx, params)),
  operation({
    id: "governance.model-keys.issue",
    method: "post",
    path: "/api/v1/ai-budget/{tenantName}/litellm-key",
    tag: TAG,
    summary: "Issue a tenant's model key, shown once; the one before ends",
    auth: ["operator"],
    limit: "write",
    audit: "model_key.issue",
    errors: [409],
    params: TenantKeyRef,
    output: IssuedModelKeyView,
    status: 201,
  }).handle(({ params }, ctx) => issueModelKey(ctx, params)),
  operation({
    id: "governance.model-keys.revoke",
    method: "post",
    path: "/api/v1/ai-budget/{tenantName}/litellm-key/revoke",
    tag: TAG,
    summary: "End a tenant's model key; may be repeated",
    auth: ["operator"],
    limit: "write",
    audit: "model_key.revoke",
    errors: [502],
    params: TenantKeyRef,
    output: RevokedModelKeyView,
  }).handle(({ params }, ctx) => revokeModelKey(ctx, params)),
];
