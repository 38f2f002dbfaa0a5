export { checkCapacityJob, enqueueChecks, enqueueGraceEnds } from "./downgrades.jobs";
export { endGraceJob } from "./end-grace";
export { followPlanChange } from "./follow-plan";
