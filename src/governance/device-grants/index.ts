export { forgetEndedGrants } from "./device-grants.store";
