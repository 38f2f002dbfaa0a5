import { operation } from "../../kernel/operation";
import { deleteSecret } from "./delete-secret";
import { putSecret } from "./put-secret";
import { listSecrets } from "./secrets.queries";
import { ChangedSecretView, DeletedSecretView, PutSecretBody, SecretListView, SecretRef } from "./secrets.schemas";

const TAG = "Secrets";

export const operations = [
  operation({
    id: "governance.secrets.list",
    method: "get",
    path: "/api/v1/secrets",
    tag: TAG,
    summary: "Names and times of all secrets; never their values",
    auth: ["operator"],
    limit: "read",
    output: SecretListView,
  }).handle((_input, ctx) => listSecrets(ctx)),
  operation({
    id: "governance.secrets.put",
    method: "put",
    path: "/api/v1/secrets/{name}",
    tag: TAG,
    summary: "Keep a value under a name; it does not come back",
    auth: ["operator"],
    limit: "write",
    audit: "secret.put",
    params: SecretRef,
    body: PutSecretBody,
    output: ChangedSecretView,
  }).handle(({ params, body }, ctx) => putSecret(ctx, params, body)),
  operation({
    id: "governance.secrets.delete",
    method: "delete",
    path: "/api/v1/secrets/{name}",
    tag: TAG,
    summary: "Forget a secret",
    auth: ["operator"],
    limit: "write",
    audit: "secret.delete",
    params: SecretRef,
    output: DeletedSecretView,
  }).handle(({ params }, ctx) => deleteSecret(ctx, params)),
];
