import { operation } from "../../kernel/operation";
import { deleteProviderKey } from "./delete-provider-key";
import { listProviderKeys } from "./provider-keys.queries";
import { ProviderKeyListView, ProviderKeyView, ProviderRef, SetProviderKeyBody } from "./provider-keys.schemas";
import { setProviderKey } from "./set-provider-key";

const TAG = "Provider Keys";

export const operations = [
  operation({
    id: "governance.provider-keys.list",
    method: "get",
    path: "/api/v1/providers/keys",
    tag: TAG,
    summary: "Providers of models, and whether their keys are configured",
    auth: ["operator"],
    limit: "read",
    output: ProviderKeyListView,
  }).handle((_input, ctx) => listProviderKeys(ctx)),
  operation({
    id: "governance.provider-keys.set",
    method: "put",
    path: "/api/v1/providers/keys/{provider}",
    tag: TAG,
    summary: "Keep a provider's key, sealed; it never comes back",
    auth: ["operator"],
    limit: "write",
    audit: "provider_key.set",
    params: ProviderRef,
    body: SetProviderKeyBody,
    output: ProviderKeyView,
  }).handle(({ params, body }, ctx) => setProviderKey(ctx, { ...params, ...body })),
  operation({
    id: "governance.provider-keys.delete",
    method: "delete",
    path: "/api/v1/providers/keys/{provider}",
    tag: TAG,
    summary: "Forget a provider's key",
    auth: ["operator"],
    limit: "write",
    audit: "provider_key.delete",
    params: ProviderRef,
    status: 204,
  }).handle(({ params }, ctx) => deleteProviderKey(ctx, params)),
];
