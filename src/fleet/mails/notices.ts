import { iso } from "../../kernel/clock";
import type { Mail } from "../../kernel/ports/services";
import { composeMail, type MailFact } from "./layout";

/** Who is told, and when and whence it happened. */
interface Notice {
  readonly to: string;
  readonly username: string;
  /** When it happened, ms. */
  readonly at: number;
  /** Address it came from. */
  readonly ip: string;
}

/** `2026-11-21 23:36 UTC` */
const minuteOf = (ms: number): string => `${iso(ms).slice(0, 16).replace("T", " ")} UTC`;

const placeAndTime = ({ at, ip }: Notice): MailFact[] => [
  ["Time", minuteOf(at)],
  ["IP address", ip],
];

/** Tells that a device signed in that this account did not know. */
export const newLoginMail = (notice: Notice & { readonly deviceName: string | null; readonly platform: string | null }): Mail =>
  composeMail({
    to: notice.to,
    subject: "New sign-in to your Sett account",
    opening: `The account "${notice.username}" was signed in to on a device we had not seen before.`,
    facts: [["Device", notice.deviceName ?? "unknown"], ["Platform", notice.platform ?? "unknown"], ...placeAndTime(notice)],
    paragraphs: ["If this was you, there is nothing to do."],
    warning: "If it was not, change your password and sign out that device in your list of sessions.",
  });

/** Tells that somebody minted a CLI token, which acts for the account without its password. */
export const newCliTokenMail = (notice: Notice & { readonly tokenName: string; readonly expiresAt: number | null }): Mail =>
  composeMail({
    to: notice.to,
    subject: "New CLI token on your Sett account",
    opening: `A CLI token was made for the account "${notice.username}". Machines that hold it can act for you.`,
    facts: [["Token", notice.tokenName], ["Good until", notice.expiresAt === null ? "revoked" : minuteOf(notice.expiresAt)], ...placeAndTime(notice)],
    paragraphs: ["If this was you, there is nothing to do."],
    warning: "If it was not, revoke the token in your list of CLI tokens and change your password.",
  });

/** Tells that the password is another now. */
export const passwordChangedMail = (notice: Notice): Mail =>
  composeMail({
    to: notice.to,
    subject: "Your Sett password was changed",
    opening: `The password of the account "${notice.username}" was changed.`,
    facts: placeAndTime(notice),
    paragraphs: ["If this was you, there is nothing to do."],
    warning: "If it was not, reset your password with the code we mail to this address, then sign out every device.",
  });

/** Tells that an administrator chose another password; from where is not the person's business. */
export const passwordSetMail = ({ to, username, at }: Omit<Notice, "ip">): Mail =>
  composeMail({
    to,
    subject: "Your Sett password was changed",
    opening: `An administrator gave the account "${username}" another password.`,
    facts: [["Time", minuteOf(at)]],
    paragraphs: ["You were signed out everywhere. If you asked for this, sign in with the password that you were told, and then choose your own."],
    warning: "If you did not ask for it, choose a password of your own with \"Forgot password\" and tell whoever runs this server.",
  });
