import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { appIdOf, MAX_DEVICES } from "./push-devices.core";
import type { RegisterDeviceBody, RegisteredDeviceView } from "./push-devices.schemas";
import { findDeviceByToken, pruneDevices, upsertDevice } from "./push-devices.store";

/** Makes a phone the caller's and lets it be notified. Repeating it renews the row; a phone of somebody else changes hands, which both can see in their audit. */
export async function registerDevice(ctx: OwnerCtx, body: z.output<typeof RegisterDeviceBody>): Promise<z.input<typeof RegisteredDeviceView>> {
  const { userId } = ctx.actor;
  const { environment, platform } = body;
  const appId = appIdOf(platform, environment);
  const before = await findDeviceByToken(ctx, body.device_token);
  const formerOwner = before && before.tenantId !== userId ? before.tenantId : null;
  const device = { tenantId: userId, deviceToken: body.device_token, environment, platform, appId, deviceName: body.device_name || null, appVersion: body.app_version || null };
  const plan = new Plan(ctx)
    .write(upsertDevice(ctx, device, ctx.clock.now()))
    .write(pruneDevices(ctx, userId, MAX_DEVICES))
    .audit({ action: "push_device.register", detail: { platform, environment, moved: formerOwner !== null } });
  if (formerOwner !== null && before) plan.audit({ action: "push_device.move", tenantId: formerOwner, subject: { type: "push_device", id: before.id } });
  const [upserted] = await plan.commit();
  return { success: true, message: before ? "Device updated." : "Device registered.", environment, app_id: appId, device_token_id: firstId(upserted) };
}

/** The id in the commit's first result, which {@link upsertDevice} returned. */
function firstId(result: unknown): number {
  const id: unknown = Array.isArray(result) ? (result[0] as { id?: unknown } | undefined)?.id : undefined;
  if (typeof id !== "number") throw new Error("the upsert of a push device returned no id");
  return id;
}
