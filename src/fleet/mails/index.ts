export { addonEndingMail } from "./addon-mails";
export { resetCodeMail, verificationCodeMail } from "./code-mails";
export { newCliTokenMail, newLoginMail, passwordChangedMail } from "./notices";
export { sendMail } from "./send-mail";
