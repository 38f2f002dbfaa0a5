import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { DeletedDeviceView, DeviceRef } from "./push-devices.schemas";
import { deleteDeviceRow, findDevice } from "./push-devices.store";

/** Forgets a device of the caller. @throws AppError NOT_FOUND (also for other people's devices) */
export function deleteDevice(ctx: OwnerCtx, ref: z.output<typeof DeviceRef>): Promise<z.input<typeof DeletedDeviceView>> {
  return retryLostUpdate(async () => {
    const device = await findDevice(ctx, ctx.actor.userId, ref.device_id);
    if (!device) throw notFound("Device");
    await new Plan(ctx)
      .guarded(deleteDeviceRow(ctx, device))
      .audit({ action: "push_device.delete", subject: { type: "push_device", id: device.id } })
      .commit();
    return { success: true, message: "Device deleted." };
  });
}
