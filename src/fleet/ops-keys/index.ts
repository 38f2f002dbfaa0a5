export { enqueueReseal, resealJob } from "./reseal.jobs";
export { noteTokenKeys } from "./token-keys.jobs";
