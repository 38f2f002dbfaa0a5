export { recordInstanceProjection } from "./instances.jobs";
export { addInstanceParking, addInstanceReturn, requireCarried } from "./park-instance";
export { purgeInstance } from "./purge-instance";
export { callerOf, objectOf, refOf, speakFor } from "./speak-for";
export { countLocalInstances, listInstanceRows, type InstanceRow } from "./instances.store";
