import { operation } from "../../kernel/operation";
import { getRecoveryKey, hasRecoveryKey } from "./recovery-keys.queries";
import { RecoveryKeyExistsView, RecoveryKeyRef, RecoveryKeyStoredView, RecoveryKeyView, StoreRecoveryKeyBody, UpdateRecoveryKeyBody } from "./recovery-keys.schemas";
import { deleteRecoveryKey, storeRecoveryKey, updateRecoveryKey } from "./store-recovery-key";

const mine = { path: "/api/v1/user/{user_id}/recovery-key", tag: "user", auth: ["user"], params: RecoveryKeyRef } as const;

export const operations = [
  operation({
    ...mine,
    id: "fleet.recovery-keys.store",
    method: "post",
    summary: "Store the caller's Matrix recovery key, sealed; only its owner may read it",
    limit: "write",
    audit: "recovery_key.store",
    body: StoreRecoveryKeyBody,
    output: RecoveryKeyStoredView,
    status: 201,
  }).handle(({ params, body }, ctx) => storeRecoveryKey(ctx, { ...body, ...params })),
  operation({ ...mine, id: "fleet.recovery-keys.get", method: "get", summary: "The caller's Matrix recovery key", limit: "read", output: RecoveryKeyView }).handle(({ params }, ctx) =>
    getRecoveryKey(ctx, params),
  ),
  operation({
    ...mine,
    id: "fleet.recovery-keys.update",
    method: "put",
    summary: "Replace the caller's Matrix recovery key",
    limit: "write",
    audit: "recovery_key.update",
    body: UpdateRecoveryKeyBody,
    output: RecoveryKeyStoredView,
  }).handle(({ params, body }, ctx) => updateRecoveryKey(ctx, { ...body, ...params })),
  operation({
    ...mine,
    id: "fleet.recovery-keys.delete",
    method: "delete",
    summary: "Forget the caller's Matrix recovery key",
    limit: "write",
    audit: "recovery_key.delete",
    output: RecoveryKeyStoredView,
  }).handle(({ params }, ctx) => deleteRecoveryKey(ctx, params)),
  operation({
    ...mine,
    id: "fleet.recovery-keys.exists",
    method: "get",
    path: "/api/v1/user/{user_id}/recovery-key/exists",
    summary: "Whether the caller has stored a recovery key",
    limit: "read",
    output: RecoveryKeyExistsView,
  }).handle(({ params }, ctx) => hasRecoveryKey(ctx, params)),
];
