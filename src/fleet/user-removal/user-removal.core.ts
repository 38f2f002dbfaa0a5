/** The steps of a hard delete, in the order of the contract. */
export const STEPS = ["bots", "instances", "fingerprints", "cli_tokens", "shares", "payments", "files", "matrix", "identity", "database"] as const;

export type StepName = (typeof STEPS)[number];

/** What came of a step. */
export interface StepOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

export const done = (detail: string): StepOutcome => ({ ok: true, detail });
export const failed = (detail: string): StepOutcome => ({ ok: false, detail });

/** "1 bot", "3 bots" */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** Whether what was typed is the address; case does not count. */
export const isConfirmed = (typed: string, emailKey: string): boolean => typed.trim().toLowerCase() === emailKey;
