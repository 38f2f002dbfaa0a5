import { DAY_MS, MINUTE_MS } from "../../kernel/clock";
import type { Mail } from "../../kernel/ports/services";
import { composeMail } from "./layout";

interface CodeMail {
  readonly to: string;
  readonly username: string;
  readonly code: string;
  /** How long the code lives. */
  readonly lifeMs: number;
}

/** The mail that proves an address. It names the user name, so that a stranger's sign-up with this address is recognised as such. */
export const verificationCodeMail = ({ to, username, code, lifeMs }: CodeMail): Mail =>
  composeMail({
    to,
    subject: `${code} is your Sett verification code`,
    opening: `Use this code to verify your address for the account "${username}".`,
    code,
    paragraphs: [`It is good for ${lifeMs / MINUTE_MS} minutes.`],
    warning: "If you did not sign up with this user name, do not enter the code anywhere; without it nothing happens.",
  });

/** The mail with which a forgotten password is replaced. */
export const resetCodeMail = ({ to, username, code, lifeMs }: CodeMail): Mail =>
  composeMail({
    to,
    subject: `${code} is your Sett password reset code`,
    opening: `Use this code to choose a new password for the account "${username}".`,
    code,
    paragraphs: [`It is good for ${lifeMs / MINUTE_MS} minutes.`],
    warning: "If you did not ask for it, leave it unused and tell it to nobody: your password stays as it is. We never ask for this code.",
  });

/** The mail for somebody whose account an administrator made. The code is one that replaces a forgotten password. */
export const inviteMail = ({ to, username, code, lifeMs, origin }: Omit<CodeMail, "username"> & { readonly username: string | null; readonly origin: string }): Mail =>
  composeMail({
    to,
    subject: `${code} is the code for your new Sett account`,
    opening: username === null ? "An account was made for you with this address." : `The account "${username}" was made for you.`,
    code,
    facts: [["Choose a password at", `${origin}/reset?email=${encodeURIComponent(to)}`]],
    paragraphs: [`The code is good for ${lifeMs / DAY_MS} days. After that, "Forgot password" mails you another.`],
    warning: "If you did not expect this, leave it unused: nobody can sign in without the code.",
  });
