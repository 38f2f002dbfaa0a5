export { keepComputer } from "./keep-computer";
export { beginStep, CPUS, isInFlight, LEASE_MS, percentOf, RAM_GB, retryMs, STUCK_MS, type VmStatus, type VmStep } from "./provisioning.core";
export { advanceVmJob, enqueueVmsToSettle, followInstance } from "./provisioning.jobs";
export {
  claimVm,
  countWithoutAddon,
  deleteCloudInstance,
  deleteVmRow,
  findVm,
  findVmByWish,
  findVmRow,
  insertCloudInstance,
  insertVm,
  isInstanceTaken,
  isTokenAlive,
  isVmNameTaken,
  listTakenAddons,
  listVmIds,
  listVmRows,
  nameFree,
  ownerOpen,
  stillUnpaid,
  updateVm,
  withinPlace,
  type CloudVm,
  type ListedVm,
} from "./provisioning.store";
export { requireCompute, serverUrlOf, toAppError } from "./require-compute";
export { sendAdvance } from "./send-advance";
export { settleEnd } from "./settle-end";
export { cloudVmTag, vmOfTag } from "./tag";
export { CLOUD_PROVIDER, tellProgress, UNKNOWN_VERSION } from "./tell-progress";
export { llmKeySealContext, prepareVmToken, tokenSealContext } from "./vm-secrets";
