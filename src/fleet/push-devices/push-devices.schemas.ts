import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { ENVIRONMENTS, PLATFORMS } from "./push-devices.core";
import type { PushDevice } from "./push-devices.store";

export const RegisterDeviceBody = z
  .object({
    device_token: z.string().trim().min(1).max(1_024),
    environment: z.enum(ENVIRONMENTS).default("production"),
    platform: z.enum(PLATFORMS),
    device_name: z.string().trim().max(255).nullish(),
    app_version: z.string().trim().max(64).nullish(),
  })
  .meta({ id: "PushDeviceRegistration" });

export const RegisteredDeviceView = z
  .object({ success: z.boolean(), message: z.string(), environment: z.string(), app_id: z.string(), device_token_id: z.int().nullable() })
  .meta({ id: "PushDeviceResponse" });

export const PushEnvironmentView = z
  .object({ user_id: z.int(), matrix_id: z.string().nullable(), environment: z.string(), app_id: z.string(), active_devices: z.int() })
  .meta({ id: "PushEnvironmentResponse" });

export const DeviceRef = z.object({ device_id: z.coerce.number().int() });

export const DeviceView = z
  .object({
    id: z.int(),
    device_token: z.string(),
    environment: z.string(),
    app_id: z.string(),
    platform: z.string(),
    device_name: z.string().nullable(),
    app_version: z.string().nullable(),
    is_active: z.boolean(),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "DeviceTokenInfo" });

export const DeviceListView = z.array(DeviceView);

const done = { success: z.boolean(), message: z.string() };
export const DeletedDeviceView = z.object(done).meta({ id: "DeviceDeleteResponse" });
export const DeactivatedDeviceView = z.object(done).meta({ id: "DeviceDeactivateResponse" });

export const toDeviceView = (device: PushDevice): z.input<typeof DeviceView> => ({
  id: device.id,
  device_token: device.deviceToken,
  environment: device.environment,
  app_id: device.appId,
  platform: device.platform,
  device_name: device.deviceName,
  app_version: device.appVersion,
  is_active: device.isActive,
  created_at: iso(device.createdAt),
  last_used_at: isoOrNull(device.lastUsedAt),
});
