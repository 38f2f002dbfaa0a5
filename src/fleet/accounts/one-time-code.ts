import type { Ctx } from "../../kernel/context";
import { toHex, utf8 } from "../../kernel/crypto/bytes";
import { sixDigits } from "../../kernel/ids/ids";
import { CODE_LIFE_MS } from "./accounts.core";
import type { StoredCode } from "./accounts.store";

/**
 * What is stored of a code. A million codes are quickly hashed, so the hash is keyed with the pepper, which a leaked database
 * does not hold, and bound to its account.
 */
export async function hashCode(ctx: Ctx, sub: string, code: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", ctx.config.passwordPepper, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(`one-time-code:verify_email:${sub}:${code}`))));
}

/** A fresh code: the digits for the mail, the row for the store. */
export async function newCode(ctx: Ctx, sub: string, nowMs: number): Promise<{ readonly digits: string; readonly stored: StoredCode }> {
  const digits = sixDigits();
  return { digits, stored: { codeHash: await hashCode(ctx, sub, digits), expiresAt: nowMs + CODE_LIFE_MS, sentAt: nowMs } };
}
