import { iso } from "../../kernel/clock";
import type { Mail } from "../../kernel/ports/services";
import { composeMail } from "./layout";

interface UnpaidMachines {
  readonly to: string;
  readonly username: string;
  /** What its owner calls each machine, and when it is destroyed (ms). */
  readonly machines: readonly { readonly name: string; readonly destroyAfter: number }[];
}

/** Tells that nobody pays for some cloud machines any more, and when they are destroyed. */
export const unpaidMachinesMail = ({ to, username, machines }: UnpaidMachines): Mail =>
  composeMail({
    to,
    subject: machines.length === 1 ? "Nobody pays for your cloud machine any more" : `Nobody pays for ${machines.length} of your cloud machines any more`,
    opening: `The account "${username}" has more cloud machines than its plan and its add-ons pay for.`,
    facts: machines.map(({ name, destroyAfter }) => ["Destroyed after", `${iso(destroyAfter).slice(0, 16).replace("T", " ")} UTC: ${name}`] as const),
    paragraphs: [`${machines.length === 1 ? "The machine and everything on it are" : "These machines and everything on them are"} destroyed then, and their bots are unpaired.`, "To keep a machine, buy an add-on or a plan that includes it, or destroy another one."],
    warning: "If this is what you want, there is nothing to do.",
  });
