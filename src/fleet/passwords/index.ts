export { requireStrongPassword } from "./password-policy";
export { confirmPassword, takePasswordTry } from "./password-tries";
export { forgetOldTries, forgetTries } from "./passwords.store";
export { sendResetCode } from "./send-reset-code";
