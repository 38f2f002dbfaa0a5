import { operation } from "../../kernel/operation";
import { deactivateDevice } from "./deactivate-device";
import { deleteDevice } from "./delete-device";
import { getPushEnvironment, listDevices } from "./push-devices.queries";
import { DeactivatedDeviceView, DeletedDeviceView, DeviceListView, DeviceRef, PushEnvironmentView, RegisterDeviceBody, RegisteredDeviceView } from "./push-devices.schemas";
import { registerDevice } from "./register-device";

const TAG = "push";
const ITEM = "/api/v1/push/device/{device_id}";

export const operations = [
  operation({
    id: "fleet.push-devices.register",
    method: "post",
    path: "/api/v1/push/register",
    tag: TAG,
    summary: "Let a phone be notified; it becomes the caller's, whoever had it before",
    auth: ["user"],
    limit: "write",
    audit: "push_device.register",
    body: RegisterDeviceBody,
    output: RegisteredDeviceView,
  }).handle(({ body }, ctx) => registerDevice(ctx, body)),
  operation({
    id: "fleet.push-devices.getEnvironment",
    method: "get",
    path: "/api/v1/push/environment",
    tag: TAG,
    summary: "How the caller is notified now",
    auth: ["user"],
    limit: "read",
    output: PushEnvironmentView,
  }).handle((_input, ctx) => getPushEnvironment(ctx)),
  operation({
    id: "fleet.push-devices.list",
    method: "get",
    path: "/api/v1/push/devices",
    tag: TAG,
    summary: "Registered devices, newest first",
    auth: ["user"],
    limit: "read",
    output: DeviceListView,
  }).handle((_input, ctx) => listDevices(ctx)),
  operation({
    id: "fleet.push-devices.delete",
    method: "delete",
    path: ITEM,
    tag: TAG,
    summary: "Forget a device",
    auth: ["user"],
    limit: "write",
    audit: "push_device.delete",
    params: DeviceRef,
    output: DeletedDeviceView,
  }).handle(({ params }, ctx) => deleteDevice(ctx, params)),
  operation({
    id: "fleet.push-devices.deactivate",
    method: "put",
    path: `${ITEM}/deactivate`,
    tag: TAG,
    summary: "Stop notifying a device until it registers again",
    auth: ["user"],
    limit: "write",
    audit: "push_device.deactivate",
    params: DeviceRef,
    output: DeactivatedDeviceView,
  }).handle(({ params }, ctx) => deactivateDevice(ctx, params)),
];
