export { runStep, scheduleRefresh, wakeJobs } from "./admin-jobs.jobs";
