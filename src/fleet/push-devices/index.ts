export { deactivateRejected } from "./deactivate-device";
export { findDeviceByToken, listActiveDevices, markInactive, markUsed, type PushDevice } from "./push-devices.store";
