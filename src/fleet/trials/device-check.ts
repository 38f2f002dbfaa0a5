import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";
import { judgeDevice, type DeviceAnswer } from "./trials.core";

const MarkPayload = z.object({ deviceToken: z.string() });

/** Whether a device may begin a trial. Asks Apple and changes nothing. */
export async function queryDevice(ctx: Ctx, deviceToken: string): Promise<DeviceAnswer> {
  const verdict = (await ctx.services.deviceCheck?.query(deviceToken)) ?? null;
  if (verdict?.kind === "unavailable") ctx.log.warn("DeviceCheck gave no verdict", { event: "device_check.unavailable", cause: verdict.cause });
  return judgeDevice(verdict);
}

/** For sign-up. @throws AppError TRIAL_ALREADY_USED, VALIDATION_ERROR (a token that Apple does not know) */
export async function requireFirstTrial(ctx: Ctx, deviceToken: string): Promise<void> {
  const { reason } = await queryDevice(ctx, deviceToken);
  if (reason === "trial_already_used") throw new AppError("TRIAL_ALREADY_USED", "This device had its trial already; sign in with the account it was used for.");
  if (reason === "invalid_token") throw invalidField(["body", "device_token"], "Apple does not know this device token");
}

/** To commit with the account that takes the device's trial; null when no device is to be marked. */
export function markDeviceEffect(ctx: Ctx, deviceToken: string): Effect | null {
  const payload: z.input<typeof MarkPayload> = { deviceToken };
  return ctx.services.deviceCheck ? { type: "device_check.mark", payload } : null;
}

/** Effect `device_check.mark`: remembers at Apple that the device had its trial (bit0) and keeps the other bit. Harmless when repeated. */
export const markDevice: EffectHandler = async (ctx, payload) => {
  const { deviceToken } = MarkPayload.parse(payload);
  const { deviceCheck } = ctx.services;
  if (!deviceCheck) throw new Error("no DeviceCheck key is configured");
  const before = await deviceCheck.query(deviceToken);
  // The token died meanwhile: no later try will find its device.
  if (before.kind === "bad_token" || (before.kind === "known" && before.bits.bit0)) return;
  const after = before.kind === "known" ? await deviceCheck.update(deviceToken, { bit0: true, bit1: before.bits.bit1 }) : before;
  if (after.kind === "unavailable") throw new Error(after.cause);
};
