import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { shownMatrixId } from "../accounts";
import { findRecoveryKeyText } from "../recovery-keys";
import { readSecretStorage } from "./debug.core";
import type { ApnsConfigView, DebugUserRef, RecoveryKeyTestView, SecretStorageView, TestIosView } from "./debug.schemas";
import { findPerson } from "./debug.store";

/** How phones are notified. Apple's own keys are the push gateway's; ours is DeviceCheck's alone, and only whether it is there is told. */
export async function getApnsConfig(ctx: OwnerCtx): Promise<z.input<typeof ApnsConfigView>> {
  const { push, deviceCheck } = ctx.services;
  const accessible = push !== null && (await push.isHealthy());
  const status = push === null ? "not_configured" : accessible ? "healthy" : "unhealthy";
  const message = { not_configured: "Push is off: PUSH_GATEWAY_URL is not set.", healthy: "The push gateway answers; Apple's keys are configured there.", unhealthy: "The push gateway does not answer." }[status];
  return { status, push_gateway_configured: push !== null, push_gateway_url: push?.origin ?? null, push_gateway_accessible: accessible, device_check_configured: deviceCheck !== null, message };
}

/** Always the same, for apps that try whether they reach us. */
export async function getTestIos(_ctx: Ctx): Promise<z.input<typeof TestIosView>> {
  return { success: true, message: "iOS test endpoint is working" };
}

/** Whether somebody's devices could open old messages, as the homeserver tells. Names of what is there, never what it is. @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND */
export async function getSecretStorage(ctx: OwnerCtx, { user_id: userId }: z.output<typeof DebugUserRef>): Promise<z.input<typeof SecretStorageView>> {
  const admin = ctx.services.matrix?.admin;
  if (!admin) throw new AppError("MATRIX_UNAVAILABLE", "No Matrix homeserver is configured for administration.");
  const person = await requirePerson(ctx, userId);
  const matrixId = shownMatrixId(person);
  const data = matrixId === null ? null : await admin.accountData(matrixId);
  return { user_id: person.id, matrix_id: matrixId, matrix_account_exists: data !== null, recovery_key_stored: person.keyCreatedAt !== null, ...readSecretStorage(data ?? {}) };
}

/** Whether somebody's recovery key could be stored, and whether the one that is there opens. Shows no key and stores none. @throws AppError NOT_FOUND */
export async function testRecoveryKey(ctx: OwnerCtx, { user_id: userId }: z.output<typeof DebugUserRef>): Promise<z.input<typeof RecoveryKeyTestView>> {
  const person = await requirePerson(ctx, userId);
  const stored = person.keyCreatedAt !== null;
  const probe = newUuid();
  const context = `debug:recovery_key:${userId}`;
  const { sealKeys } = ctx.config;
  const canStore = await seal(sealKeys, probe, context).then(async (sealed) => (await unseal(sealKeys, sealed, context)) === probe, () => false);
  return {
    user_id: person.id,
    matrix_id: shownMatrixId(person),
    recovery_key_stored: stored,
    recovery_key_readable: stored ? (await findRecoveryKeyText(ctx, userId)) !== null : null,
    can_store: canStore,
    stored_at: isoOrNull(person.keyCreatedAt),
  };
}

async function requirePerson(ctx: OwnerCtx, userId: number): Promise<NonNullable<Awaited<ReturnType<typeof findPerson>>>> {
  const person = await findPerson(ctx, userId);
  if (!person) throw notFound("User");
  return person;
}
