export { emailKeyOf } from "./accounts.core";
export { findAccountByAlias, findAccountById, markSignedIn, markSignedOut, type Account } from "./accounts.store";
export { sendMail } from "./send-mail";
