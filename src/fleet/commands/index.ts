export type { CommandView } from "./commands.core";
export { CommandResponse } from "./commands.schemas";
export { createCommand } from "./create-command";
