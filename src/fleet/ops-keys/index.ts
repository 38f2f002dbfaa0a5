export { enqueueReseal, resealJob } from "./reseal.jobs";
export { sealedColumns } from "./sealed-columns.store";
export { noteTokenKeys } from "./token-keys.jobs";
