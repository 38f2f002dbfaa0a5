export { forgetOldUsage, recordUsageJob } from "./token-usage.jobs";
