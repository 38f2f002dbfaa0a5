import { sealedColumn, type SealedColumn } from "../../kernel/db/sealed-column";
import { cliLogins, recoveryKeys } from "../../schema/accounts";
import { webhookEvents } from "../../schema/billing";
import { bots, pairings } from "../../schema/bots";
import { cloudVms } from "../../schema/cloud-vms";
import { notificationSealContext } from "../apple-notifications";
import { botTokenSealContext } from "../bots";
import { loginSealContext } from "../cli-logins";
import { llmKeySealContext as vmLlmKeySealContext, tokenSealContext as vmTokenSealContext } from "../vm-provisioning";
import { botRecoveryKeySealContext } from "../hermes";
import { pairCodeSealContext } from "../pairings";
import { recoveryKeySealContext } from "../recovery-keys";
import { eventSealContext } from "../webhooks";

/** Every column of the fleet's tables that holds sealed values; a test compares all families' with the schema and with who seals. */
export const sealedColumns: readonly SealedColumn[] = [
  sealedColumn(bots, "sealedToken", { id: bots.id }, ({ id }) => botTokenSealContext(id)),
  sealedColumn(bots, "sealedRecoveryKey", { id: bots.id }, ({ id }) => botRecoveryKeySealContext(id)),
  sealedColumn(recoveryKeys, "sealedKey", { tenantId: recoveryKeys.tenantId }, ({ tenantId }) => recoveryKeySealContext(tenantId)),
  sealedColumn(cloudVms, "sealedLlmKey", { id: cloudVms.id }, ({ id }) => vmLlmKeySealContext(id)),
  sealedColumn(cloudVms, "sealedToken", { id: cloudVms.id }, ({ id }) => vmTokenSealContext(id)),
  sealedColumn(pairings, "sealedCode", { id: pairings.id }, ({ id }) => pairCodeSealContext(id)),
  sealedColumn(webhookEvents, "sealedPayload", { id: webhookEvents.id, provider: webhookEvents.provider }, ({ id, provider }) => (provider === "apple" ? notificationSealContext(id) : eventSealContext(id))),
  sealedColumn(cliLogins, "sealedToken", { code: cliLogins.code }, ({ code }) => loginSealContext(code)),
];
