import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { tokenForms } from "./push-devices.core";
import type { DeactivatedDeviceView, DeviceRef } from "./push-devices.schemas";
import { findDevice, listDevicesByAddress, markInactive, type DeviceAddress } from "./push-devices.store";

/** Stops notifying a device of the caller until it registers again. Repeating it is harmless. @throws AppError NOT_FOUND (also for other people's devices) */
export function deactivateDevice(ctx: OwnerCtx, ref: z.output<typeof DeviceRef>): Promise<z.input<typeof DeactivatedDeviceView>> {
  return retryLostUpdate(async () => {
    const device = await findDevice(ctx, ctx.actor.userId, ref.device_id);
    if (!device) throw notFound("Device");
    if (device.isActive) {
      await new Plan(ctx)
        .guarded(markInactive(ctx, device, ctx.clock.now()))
        .audit({ action: "push_device.deactivate", subject: { type: "push_device", id: device.id } })
        .commit();
    }
    return { success: true, message: "Device deactivated." };
  });
}

/**
 * Stops notifying the devices that a gateway declared dead, whoever owns them. A device that registered anew meanwhile stays as it is.
 * @returns how many there were
 */
export async function deactivateRejected(ctx: Ctx, rejected: readonly DeviceAddress[]): Promise<number> {
  if (rejected.length === 0) return 0;
  const addresses = rejected.flatMap(({ appId, deviceToken }) => tokenForms(deviceToken).map((form) => ({ appId, deviceToken: form })));
  const devices = await listDevicesByAddress(ctx, addresses);
  const now = ctx.clock.now();
  const plan = new Plan(ctx);
  for (const device of devices) {
    plan.write(markInactive(ctx, device, now)).audit({ action: "push_device.reject", tenantId: device.tenantId, subject: { type: "push_device", id: device.id } });
  }
  await plan.commit();
  return devices.length;
}
