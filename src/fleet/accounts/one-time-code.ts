import type { Ctx } from "../../kernel/context";
import { keyedHash } from "../../kernel/crypto/keyed-hash";
import { sixDigits } from "../../kernel/ids/ids";
import type { CodePurpose, StoredCode } from "./accounts.store";

/** Whose code it is, and for what. */
interface CodeFor {
  readonly purpose: CodePurpose;
  readonly sub: string;
}

/**
 * What is stored of a code. A million codes are quickly hashed, so the hash is keyed with the pepper, which a leaked database
 * does not hold, and bound to its account and purpose.
 */
export const hashCode = (ctx: Ctx, { purpose, sub }: CodeFor, code: string): Promise<string> => keyedHash(ctx.config.passwordPepper, `one-time-code:${purpose}:${sub}:${code}`);

/** A fresh code: the digits for the mail, the row for the store. */
export async function newCode(ctx: Ctx, whose: CodeFor, lifeMs: number, nowMs: number): Promise<{ readonly digits: string; readonly stored: StoredCode }> {
  const digits = sixDigits();
  return { digits, stored: { codeHash: await hashCode(ctx, whose, digits), expiresAt: nowMs + lifeMs, sentAt: nowMs } };
}
