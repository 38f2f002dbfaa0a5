export { recordInstanceProjection } from "./instances.jobs";
export { purgeInstance } from "./purge-instance";
export { callerOf, objectOf, refOf, speakFor } from "./speak-for";
