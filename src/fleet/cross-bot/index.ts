export { enqueueGroupsToSettle } from "./cross-bot.jobs";
export { settleGroup } from "./settle-group";
