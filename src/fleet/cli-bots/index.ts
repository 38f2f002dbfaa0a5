export { announceProvision } from "./provision-bot";
