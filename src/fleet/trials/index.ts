export { markDevice, markDeviceEffect, requireFirstTrial } from "./device-check";
