export { requireChoice } from "./resolve-upgrade";
export { afterChange, upgradeTriggerOf } from "./upgrades.core";
export { insertUpgrade, isCauseKnown, updateUpgrade } from "./upgrades.store";
