export { readRejected } from "./notify.core";
