export { enqueueDueSyncs, sendSync, syncJob } from "./sources.jobs";
