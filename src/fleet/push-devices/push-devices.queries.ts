import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { findAccountById, shownMatrixId } from "../accounts";
import { appIdOf } from "./push-devices.core";
import { toDeviceView, type DeviceListView, type PushEnvironmentView } from "./push-devices.schemas";
import { listActiveDevices, listDeviceRows } from "./push-devices.store";

/** The caller's devices, the one registered last first. */
export async function listDevices(ctx: OwnerCtx): Promise<z.input<typeof DeviceListView>> {
  return (await listDeviceRows(ctx, ctx.actor.userId)).map(toDeviceView);
}

/** Where the caller is notified: as the active device registered last; without one, an iPhone in production. */
export async function getPushEnvironment(ctx: OwnerCtx): Promise<z.input<typeof PushEnvironmentView>> {
  const { userId } = ctx.actor;
  const [account, devices] = await Promise.all([findAccountById(ctx, userId), listActiveDevices(ctx, userId)]);
  const newest = devices[0];
  return {
    user_id: userId,
    matrix_id: account ? shownMatrixId(account) : null,
    environment: newest?.environment ?? "production",
    app_id: newest?.appId ?? appIdOf("ios", "production"),
    active_devices: devices.length,
  };
}
