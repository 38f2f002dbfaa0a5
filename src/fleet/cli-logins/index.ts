export { forgetCliLogins } from "./cli-logins.store";
