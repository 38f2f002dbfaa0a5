export { enqueueBotsToSettle } from "./bots.jobs";
export { botLocalpart, isUsable, ownerShortId, SAGA_LEASE_MS, SETTLE_LOUD_ATTEMPTS } from "./bots.core";
export { getBot, getBotByName, listBots } from "./bots.queries";
export {
  bumpRoster,
  closePairingsOfInstance,
  countBots,
  countUnpairedBots,
  findBot,
  findBotRow,
  listBotRows,
  listBotsByMatrixIds,
  unpairBotsOf,
  updateBotRow,
  type Bot,
} from "./bots.store";
export { createBot, type CreatedBot } from "./create-bot";
export { botTokenSealContext, clearOtherDevices, readyCredentials, type ReadyCredentials } from "./credentials";
export { deleteBot, deleteBotsOf, retireBotsOf } from "./delete-bot";
export { addBotParking, addBotReturn, parkBot, unparkBot } from "./park-bot";
export { projectBots } from "./project-bots";
export { projectEffect } from "./project-effect";
export { settleBot } from "./settle-bot";
