export { checkRelease, enqueueReleaseChecks } from "./versions.jobs";
