export { deactivateRejected } from "./deactivate-device";
export { deactivateEveryDevice, findDeviceByToken, listActiveDevices, markInactive, markUsed, type PushDevice } from "./push-devices.store";
