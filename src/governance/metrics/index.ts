export { checkDrift, enqueueDriftCheck } from "./check-drift";
