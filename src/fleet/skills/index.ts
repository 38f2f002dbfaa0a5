export { advanceTransferJob } from "./advance-transfer";
export { enqueueTransfers, forgetOldSkills } from "./skills.jobs";
