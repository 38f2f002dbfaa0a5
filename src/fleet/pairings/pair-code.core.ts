import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../kernel/clock";

/** Rules of pairing codes: how they look, who sees them, which machine they lead to. No I/O, no clock. */

/** Without characters that people take for another: 0 O, 1 I L. */
const ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/** Bytes from here on would favour the alphabet's beginning. */
const UNBIASED_BELOW = 256 - (256 % ALPHABET.length);
const CODE_CHARS = 8;

export const CODE_LIFE_MS = 10 * MINUTE_MS;
/** How long one redeeming keeps others off its code: more than its calls to the homeserver usually take, and little for who must wait. */
export const REDEEM_LEASE_MS = 30 * SECOND_MS;
/** How long a code that is over is remembered. */
export const KEEP_ENDED_MS = 30 * DAY_MS;

/** A code like `BCK-7K2M-9QPD`, all equally likely. @param randomBytes a source of that many random bytes */
export function newPairCode(randomBytes: (length: number) => Uint8Array): string {
  let chars = "";
  while (chars.length < CODE_CHARS) {
    for (const byte of randomBytes(CODE_CHARS)) {
      if (byte < UNBIASED_BELOW && chars.length < CODE_CHARS) chars += ALPHABET[byte % ALPHABET.length] ?? "";
    }
  }
  return `BCK-${chars.slice(0, 4)}-${chars.slice(4)}`;
}

/** A code as people type it → as it was made. */
export const normalizePairCode = (typed: string): string => typed.trim().toUpperCase();

export interface CodeStanding {
  readonly status: "pending" | "redeemed" | "closed";
  readonly expiresAt: number;
  readonly redeemingUntil: number | null;
}

/** Whether a code can be redeemed now: unused, in time, and nobody else is at it. */
export const isRedeemable = (code: CodeStanding, now: number): boolean => code.status === "pending" && code.expiresAt > now && (code.redeemingUntil ?? 0) <= now;

/** What decides which machine a code puts its bot on. */
export interface MachineChoice {
  /** The machine that redeems, if it says. */
  readonly asked: string | null;
  /** The machine that the code was made for. */
  readonly target: string | null;
  /** The owner's machines that are not archived, as far as they matter here. */
  readonly machines: readonly string[];
  /** A redeem must name its machine. */
  readonly strict: boolean;
}

/** `missing`: it must be named. `mismatch`: it is not the owner's, or not the code's. */
export type ChosenMachine = { readonly kind: "machine"; readonly instanceId: string } | { readonly kind: "missing" } | { readonly kind: "mismatch" };

/** The machine that a redeem puts the bot on. Who names none gets the code's own machine, else the owner's only one. */
export function chooseMachine({ asked, target, machines, strict }: MachineChoice): ChosenMachine {
  if (asked === null && strict) return { kind: "missing" };
  const instanceId = asked ?? target ?? (machines.length === 1 ? machines[0] : undefined);
  if (instanceId === undefined) return { kind: "missing" };
  if (!machines.includes(instanceId) || (target !== null && target !== instanceId)) return { kind: "mismatch" };
  return { kind: "machine", instanceId };
}

/** Whether a listener that is known to be `instanceId` may see a code: those for other machines are hidden from it. */
export const isForMachine = (target: string | null, instanceId: string): boolean => target === null || target === instanceId;

/** Whether a listener that may be any of the owner's machines may see a code: one for a machine only if there is no other machine. */
export const isForAnyMachine = (target: string | null, machineCount: number): boolean => target === null || machineCount === 1;
