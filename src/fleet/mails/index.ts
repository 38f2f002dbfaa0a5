export { addonEndingMail } from "./addon-mails";
export { inviteMail, resetCodeMail, verificationCodeMail } from "./code-mails";
export { newCliTokenMail, newLoginMail, passwordChangedMail, passwordSetMail } from "./notices";
export { sendMail } from "./send-mail";
export { unpaidMachinesMail } from "./vm-mails";
