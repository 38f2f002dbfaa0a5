export { forgetCliLogins, loginSealContext } from "./cli-logins.store";
