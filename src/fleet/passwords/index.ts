export { PASSWORD_MIN } from "./passwords.core";
export { requireStrongPassword } from "./password-policy";
export { confirmPassword, takePasswordTry, triesKeyOf } from "./password-tries";
export { forgetOldTries, forgetTries } from "./passwords.store";
export { sendResetCode } from "./send-reset-code";
