import { operation } from "../../kernel/operation";
import { getApnsConfig, getSecretStorage, getTestIos, testRecoveryKey } from "./debug.queries";
import { ApnsConfigView, DebugUserRef, RecoveryKeyTestView, SecretStorageView, TestIosView } from "./debug.schemas";

const TAG = "health";

export const operations = [
  operation({ id: "fleet.debug.get-apns-config", method: "get", path: "/debug/apns-config", tag: TAG, summary: "How phones are notified, without any key", auth: ["admin"], limit: "read", output: ApnsConfigView }).handle((_input, ctx) => getApnsConfig(ctx)),
  operation({ id: "fleet.debug.get-test-ios", method: "get", path: "/test-ios", tag: TAG, summary: "A fixed answer for apps", auth: ["none"], limit: "public", output: TestIosView }).handle((_input, ctx) => getTestIos(ctx)),
  operation({
    id: "fleet.debug.get-secret-storage",
    method: "get",
    path: "/debug/matrix-secret-storage/{user_id}",
    tag: TAG,
    summary: "Whether somebody's devices could open old messages; no secrets",
    auth: ["admin"],
    limit: "read",
    params: DebugUserRef,
    output: SecretStorageView,
  }).handle(({ params }, ctx) => getSecretStorage(ctx, params)),
  operation({
    id: "fleet.debug.test-recovery-key",
    method: "get",
    path: "/test/recovery-key/{user_id}",
    tag: TAG,
    summary: "Whether somebody's recovery key could be stored and read; shows and stores none",
    auth: ["admin"],
    limit: "read",
    params: DebugUserRef,
    output: RecoveryKeyTestView,
  }).handle(({ params }, ctx) => testRecoveryKey(ctx, params)),
];
