import { iso } from "../../kernel/clock";
import type { Mail } from "../../kernel/ports/services";
import { composeMail } from "./layout";

interface AddonEnding {
  readonly to: string;
  readonly username: string;
  /** ms */
  readonly endsAt: number;
  /** What its owner calls the machine; null when it pays for none in particular. */
  readonly machine: string | null;
  /** It ends because a payment failed, not because it was cancelled. */
  readonly isUnpaid: boolean;
}

/** Tells that an add-on, and the cloud machine that it pays for, end in a few days. */
export const addonEndingMail = ({ to, username, endsAt, machine, isUnpaid }: AddonEnding): Mail =>
  composeMail({
    to,
    subject: "Your cloud machine ends soon",
    opening: isUnpaid ? `A payment for a cloud machine of the account "${username}" failed.` : `A cloud machine add-on of the account "${username}" was cancelled and is about to end.`,
    facts: [...(machine === null ? [] : [["Machine", machine] as const]), ["Ends", `${iso(endsAt).slice(0, 16).replace("T", " ")} UTC`]],
    paragraphs: [
      machine === null ? "If you have more cloud machines than your plan and the other add-ons pay for, the newest of them is removed then." : "The machine and everything on it are removed then, and its bots are unpaired.",
      isUnpaid ? "To keep it, put your means of payment right." : "To keep it, resume the add-on before that.",
    ],
    warning: "If this is what you want, there is nothing to do.",
  });
