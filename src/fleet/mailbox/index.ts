export { forgetOldMails } from "./mailbox.store";
