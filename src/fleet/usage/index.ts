export { warningsOf } from "./usage.core";
export { readUsage } from "./usage.queries";
export { UsageWarningView } from "./usage.schemas";
